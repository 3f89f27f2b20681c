"""One module for each board; its page's part is static/NAME.js."""
