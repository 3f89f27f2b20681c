"""What a server runs: in Python (`standard`, `asgi`), JavaScript, Go, Java, and two CGI programs."""
