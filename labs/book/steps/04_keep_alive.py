"""Step 04: keep-alive. The connection goes on after an answer, unless one side says close (RFC 9112 §9.3).

Fails: the wire case "Several chunks" (netlab/check/wire/chunked.md).
In netlab: netlab/server/connection.py and its table of states, netlab/server/states.py.
"""

import io
import re
import socket
from collections import defaultdict
from contextlib import suppress

TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a line that does not match its pattern is refused, never repaired
REQUEST_LINE = f"({TOKEN}) ([!-~]+) HTTP/1[.]([0-9])\r\n"  # RFC 9112 §3
FIELD_LINE = f"(?:({TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*)?\r\n"  # §5, or the empty line


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
    return method, minor, fields, read_content(wire, fields)


def read_content(wire: io.BytesIO, fields: dict[str, list[str]]) -> bytes:
    """The content that the head announces. RFC 9112 §6.3"""
    length, coding = ",".join(fields["content-length"]), ",".join(fields["transfer-encoding"])
    if coding or not re.fullmatch("[0-9]{0,15}", length):
        raise ValueError("framing")
    content = wire.read(int(length or 0))
    if len(content) < int(length or 0):
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


def serve(listener: socket.socket) -> None:
    """Accept a client and answer it until it is done; then accept the next one."""
    while True:
        sock, _address = listener.accept()
        with suppress(OSError), sock:
            converse(sock)


def converse(sock: socket.socket) -> None:
    """Serve one client, from its first byte to the close. Raises OSError when the client vanishes."""
    connection = Connection()
    while not connection.closing:
        connection.received(sock.recv(65536))
        sock.sendall(connection.answers)
        connection.answers = b""


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"serving http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        serve(listening)
