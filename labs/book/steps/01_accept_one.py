"""Step 01: accept one client.

Bytes go both ways. The server does not read what the client sends: each client gets the same answer.

RFC 9112 §2.1 says what an HTTP message is. This server does not look.
Fails: the wire case "Two spaces behind the method" (netlab/check/wire/request_line.md).
In netlab: netlab/net/accepted.py accepts, netlab/net/listening.py listens.
"""

import socket
from contextlib import suppress

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"


def serve(listener: socket.socket) -> None:
    """Accept a client and answer it until it is done; then accept the next one."""
    print(f"serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, _address = listener.accept()
        with suppress(OSError), sock:
            converse(sock)


def converse(sock: socket.socket) -> None:
    """Serve one client, from its first byte to the close. Raises OSError when the client vanishes."""
    sock.recv(65536)
    sock.sendall(ANSWER)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", 0)) as listening:
        serve(listening)
