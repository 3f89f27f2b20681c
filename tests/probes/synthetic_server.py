"""A server whose cost is known: it holds K KiB for every connection, every page of them written.

The probe is measured against it. It answers each request with a short response and keeps the connection, and
it can be told to misbehave in the ways that the probe must notice.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import ssl
import sys

from netlab.probes import hooks

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n"


class Connection:
    """One client: its socket, the memory that it is made to cost, and one descriptor more if asked for."""

    def __init__(self, client: socket.socket, options: argparse.Namespace) -> None:
        self.client = client
        self.weight = bytearray(b"\xff") * (
            options.kib * 1024
        )  # not bytearray(n), whose pages no code touches
        self.extra = os.dup(client.fileno()) if options.extra_fd else None
        self.me = self if options.cycle else None  # garbage that only the collector finds

    def close(self) -> None:
        self.client.close()
        if self.extra is not None:
            os.close(self.extra)


def serve(listener: socket.socket, options: argparse.Namespace) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if options.tls else None
    if tls is not None:
        tls.load_cert_chain(*options.tls)
    selector = selectors.DefaultSelector()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    connections: dict[int, Connection] = {}
    left_open: list[Connection] = []

    def drop(fd: int) -> None:
        connection = connections.pop(fd)
        selector.unregister(connection.client)
        left_open.append(connection) if options.leak else connection.close()

    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                if options.accept is not None and len(connections) >= options.accept:
                    selector.unregister(listener)
                    continue
                try:
                    client = listener.accept()[0]
                except BlockingIOError:
                    continue  # another worker was faster
                client.setblocking(True)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if tls is not None:
                    client = tls.wrap_socket(client, server_side=True)
                connections[client.fileno()] = Connection(client, options)
                selector.register(client, selectors.EVENT_READ)
                if options.keep is not None and len(connections) > options.keep:
                    drop(next(iter(connections)))
            elif key.fd in connections:
                answer(connections[key.fd]) or drop(key.fd)


def answer(connection: Connection) -> bool:
    """Answer what has arrived, taken for one request; False when the client has left."""
    try:
        if not connection.client.recv(65536):
            return False
        connection.client.sendall(RESPONSE)
        return True
    except OSError:
        return False


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--kib", type=int, default=0, help="memory of each connection")
    parser.add_argument("--workers", type=int, default=0, help="child processes that serve in our place")
    parser.add_argument("--accept", type=int, default=None, help="accept no more than so many at a time")
    parser.add_argument("--keep", type=int, default=None, help="of more than so many, close the oldest")
    parser.add_argument("--tls", nargs=2, metavar=("CHAIN", "KEY"), help="speak TLS")
    parser.add_argument("--extra-fd", action="store_true", help="two descriptors for each connection")
    parser.add_argument("--leak", action="store_true", help="never close a descriptor")
    parser.add_argument("--cycle", action="store_true", help="each connection is garbage in a cycle")
    return parser.parse_args()


def main() -> None:
    options = parse()
    hooks.offer()
    with socket.create_server(("127.0.0.1", options.port), backlog=1024) as listener:
        for _ in range(options.workers):
            if os.fork() == 0:
                serve(listener, options)
        if options.workers:
            for _ in range(options.workers):
                os.wait()
        else:
            serve(listener, options)


if __name__ == "__main__":
    sys.exit(main())
