"""The server: `server` listens and drains, `connection` is a connection's life, `exchange` a request's."""
