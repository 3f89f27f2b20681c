"""Step 07: deadlines. A client that is late is closed (RFC 9112 §9.5).

Fails: the wire case "HTTP/1.1 persists", played over TLS.
In netlab: netlab/net/sweep.py looks at few clients a turn. netlab/server/bodytimer.py times long contents.
"""

import io
import re
import selectors
import socket
import time
from collections import defaultdict
from contextlib import suppress

TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a line that does not match its pattern is refused, never repaired
REQUEST_LINE = f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])\r\n"  # RFC 9112 §3
FIELD_LINE = f"(?:({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*)?\r\n"  # §5, or the empty line
CHUNK_LINE = f'([0-9A-Fa-f]{{1,15}})(?:;{TOKEN}(?:=(?:{TOKEN}|"[^"\\\\\r\n]*"))?)*\r\n'  # §7.1
SECONDS = 5.0  # for a client to send a whole request, and then to take the answer
deadlines: dict[socket.socket, float] = {}  # a socket is closed when its time has come


def read_line(wire: io.BytesIO, pattern: str) -> re.Match[str]:
    """The next line. ValueError: it does not match, and is refused. EOFError: it is not whole yet."""
    line = wire.readline().decode("latin-1")
    if match := re.fullmatch(pattern, line):
        return match
    raise ValueError(line) if line.endswith("\n") else EOFError


def read_request(wire: io.BytesIO) -> tuple[str, str, dict[str, list[str]], bytes]:
    """Read one whole request: method, minor version, fields, content. Raises the errors of read_line."""
    method, _target, minor = read_line(wire, REQUEST_LINE).groups()  # HTTP/1.minor
    fields: dict[str, list[str]] = defaultdict(list)  # a field may come on several lines
    while (line := read_line(wire, FIELD_LINE))[1]:  # the empty line has no name
        fields[line[1].lower()].append(line[2])
    if minor != "0" and len(fields["host"]) != 1:  # RFC 9112 §3.2
        raise ValueError("Host")
    return method, minor, fields, read_content(wire, minor, fields)


def read_content(wire: io.BytesIO, minor: str, fields: dict[str, list[str]]) -> bytes:
    """The content that the head announces. RFC 9112 §6.3"""
    length, coding = ",".join(fields["content-length"]), ",".join(fields["transfer-encoding"])
    if coding.lower() == "chunked" and minor != "0" and not length:
        content = b""  # read from the start whenever bytes come: netlab keeps its place instead
        while size := int(read_line(wire, CHUNK_LINE)[1], 16):
            content += wire.read(size)
            read_line(wire, "\r\n")
        while read_line(wire, FIELD_LINE)[1]:
            pass  # the trailer section, which this server does not use
    elif coding or not re.fullmatch("[0-9]{0,15}", length):
        raise ValueError("framing")
    elif len(content := wire.read(int(length or 0))) < int(length or 0):
        raise EOFError
    return content


def answer(method: str, fields: dict[str, list[str]], content: bytes, last: bool) -> bytes:
    """The application: it greets, or sends back what it got."""
    content = content or b"hello\n"
    lines = f"Connection: {'close' if last else 'keep-alive'}\r\n"
    head = f"HTTP/1.1 200 \r\n{lines}Content-Length: {len(content)}\r\n\r\n".encode()
    return head if method == "HEAD" else head + content


class Connection:
    """One client: its bytes go in, the answers come out. No socket here."""

    waiting = b""  # bytes that belong to no whole request yet
    answers = b""  # bytes for the client
    closing = False  # no further request is read

    def received(self, data: bytes) -> None:
        """Answer the requests that are whole now, in their order. No data: the client sends no more."""
        self.waiting, self.closing = self.waiting + data, not data
        try:
            with suppress(EOFError):  # the rest has not come yet
                while not self.closing:
                    wire = io.BytesIO(self.waiting.removeprefix(b"\r\n"))  # RFC 9112 §2.2: one is ignored
                    method, minor, fields, content = read_request(wire)
                    self.waiting = wire.read()
                    self.closing = minor == "0" or "close" in str(fields["connection"]).lower()
                    self.answers += answer(method, fields, content, self.closing)
        except ValueError:
            self.closing, self.answers = True, self.answers + b"HTTP/1.1 400 \r\nConnection: close\r\n\r\n"


def advance(sock: socket.socket, connection: Connection) -> int:
    """Send and receive until the socket would block. Returns the event to wait for."""
    try:
        while connection.answers or not connection.closing:
            if connection.answers:
                connection.answers = connection.answers[sock.send(connection.answers) :]
                deadlines[sock] = time.monotonic() + SECONDS  # a part of a request buys no time
            else:
                connection.received(sock.recv(65536))
    except BlockingIOError:
        return selectors.EVENT_WRITE if connection.answers else selectors.EVENT_READ
    except OSError:
        pass  # the client has vanished
    deadlines[sock] = 0.0
    return selectors.EVENT_READ


def serve(listener: socket.socket) -> None:
    """Serve every client at the same time."""
    selector = selectors.DefaultSelector()  # waits for all sockets at the same time: epoll or kqueue
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _event in selector.select(0.1):
            if key.fileobj is listener:
                with suppress(OSError):  # the client is gone, or no file descriptor is free
                    sock, _address = listener.accept()
                    sock.setblocking(False)
                    selector.register(sock, selectors.EVENT_READ, Connection())
                    deadlines[sock] = time.monotonic() + SECONDS
            else:
                selector.modify(key.fileobj, advance(key.fileobj, key.data), key.data)
        for sock in [sock for sock, deadline in deadlines.items() if deadline < time.monotonic()]:
            del deadlines[sock]
            selector.unregister(sock)
            sock.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"serving http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        serve(listening)
