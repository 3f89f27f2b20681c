"""Step 01: accept one client.

Bytes go both ways. What the client sends is taken and not read: each client gets the same answer.

RFC 9112 §2.1 says what an HTTP message is; this server does not look.
Fails: the wire case "Two spaces behind the method" (netlab/check/wire/request_line.md).
In netlab: netlab/net/accepted.py accepts, netlab/net/listening.py listens.
"""

from __future__ import annotations

import argparse
import socket
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"


def serve(listener: socket.socket) -> None:
    """Accept a client and answer it until it is done; then the next one."""
    while True:
        sock, _address = listener.accept()
        with sock:
            converse(sock)


def converse(sock: socket.socket) -> None:
    """One client, from its first byte to the close. A client that vanishes is no error."""
    try:
        sock.recv(65536)  # whatever it asks, the answer is the same
        sock.sendall(ANSWER)
    except OSError:
        return


def main() -> None:
    """Listen, say where, and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=0, help="0: a free one")
    options = parser.parse_args()
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except (OSError, OverflowError) as error:
        parser.error(f"port {options.port}: {error}")
    with listener:
        try:
            print(f"serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
            serve(listener)
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
