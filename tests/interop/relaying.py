"""Ask one proxy what reaches netlab through it, and when. The order of events decides, no clock does.

A question's answer is a value with the sentence for the page. What netlab promises behind any proxy is in
`broken`; what is the proxy's own choice (does it buffer an upload?) is only told.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from netlab.server.config import Timeouts
from tests.interop.proxies import Proxy, relayed
from tests.interop.witness import HELLO, PATIENCE, STREAM, Serving, serving

HALF = bytes(60_000)
# Seconds that the first half of an upload has to reach netlab, before the proxy counts as buffering.
HALF_TIME = 3.0
ROUNDS = 20


@dataclass(slots=True)
class Relayed:
    """What one proxy showed: the cells of the page by their column, and the promises that did not hold."""

    cells: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def promise(self, holds: bool, sentence: str) -> None:
        """Keep what did not hold."""
        if not holds:
            self.broken.append(sentence)


class Client:
    """A blocking client of the proxy: whole responses, with Content-Length or chunked."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, method: str, path: str, *lines: str, content: bytes = b"") -> None:
        """A request whose fields are these and Host."""
        head = "".join(f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: localhost", *lines))
        self.socket.sendall(head.encode() + b"\r\n" + content)

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and fields of the next final response."""
        while True:
            first = self.file.readline().split()
            fields = {}
            while (line := self.file.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                fields[name.decode().lower()] = value.strip().decode()
            if not first or not first[1].startswith(b"1"):
                return (int(first[1]) if first else 0), fields

    def pieces(self, fields: dict[str, str]) -> bytes:
        """The content to its end."""
        if fields.get("transfer-encoding") != "chunked":
            return self.file.read(int(fields.get("content-length", "0")))
        parts = []
        while size := int(self.file.readline(), 16):
            parts.append(self.file.read(size + 2)[:-2])
        self.file.readline()
        return b"".join(parts)

    def ask(self, method: str, path: str, *lines: str, content: bytes = b"") -> tuple[int, bytes]:
        """A whole exchange; status 0 when the proxy closed instead of answering."""
        self.send(method, path, *lines, content=content)
        status, fields = self.head()
        return status, self.pieces(fields) if status else b""

    def close(self) -> None:
        """Leave."""
        self.file.close()
        self.socket.close()


def observe(proxy: Proxy, scratch: Path) -> Relayed:
    """Ask all the questions. Raises Lacking when this machine has not got the proxy."""
    told = Relayed()
    www = scratch / "www"
    www.mkdir(parents=True, exist_ok=True)
    with serving(www) as served, relayed(proxy, scratch / "one", served.port) as port:
        for question in (_reuse, _contents, _uploads, _aborts, _first_byte):
            question(proxy, told, served, port)
    # netlab closes idle connections after 0.2 s here, long before the proxy: never set it so.
    with (
        serving(www, timeouts=Timeouts(idle=0.2)) as served,
        relayed(proxy, scratch / "two", served.port) as port,
    ):
        _stale(proxy, told, served, port)
    return told


def _until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait for a condition; whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def _reuse(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """Twenty requests of four clients, one after the other: on how many connections to netlab?"""
    before = len(served.witness.seen)
    for _ in range(4):
        client = Client(port)
        for _ in range(5):
            status, content = client.ask("GET", "/")
            told.promise((status, content) == (200, HELLO), f"GET / was answered {status}")
        client.close()
    connections = {each.connection for each in served.witness.seen[before:]}
    told.cells["upstream keep-alive"] = f"20 requests on {len(connections)}"
    told.promise(len(connections) <= 4, f"20 requests took {len(connections)} connections to netlab")


def _contents(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """Chunked both ways, HEAD and a range arrive unharmed."""
    client = Client(port)
    told.promise(client.ask("GET", "/stream")[1] == STREAM, "the chunked response did not arrive whole")
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(HALF), HALF) for _ in range(2)) + b"0\r\n\r\n"
    status, content = client.ask("POST", "/upload", "Transfer-Encoding: chunked", content=chunked)
    told.promise((status, content) == (200, b"120000"), f"the chunked request was answered {status}")
    seen = next(each for each in served.witness.seen if each.path == "/upload")
    told.promise(seen.digest == hashlib.sha256(HALF * 2).hexdigest(), "the chunked request was changed")
    told.cells["chunked request arrives as"] = (
        "chunked" if "transfer-encoding" in seen.fields else "Content-Length"
    )
    status, content = client.ask("GET", "/file", "Range: bytes=65-69")
    told.promise((status, content) == (206, b"ABCDE"), f"the range was answered {status} {content[:9]!r}")
    client.close()


def _uploads(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """Half of an upload is sent: has netlab's handler begun before the second half is?"""
    for column, prefix in (("upload", ""), ("upload, unbuffered", proxy.unbuffered)):
        if column == "upload, unbuffered" and not prefix:
            continue
        client = Client(port)
        path = "/half" + ("-unbuffered" if prefix else "")
        client.send("POST", prefix + path, f"Content-Length: {2 * len(HALF)}", content=HALF)

        def begun(path: str = path) -> bool:
            return any(each.path == path and each.received for each in served.witness.seen)

        early = _until(begun, HALF_TIME)
        client.socket.sendall(HALF)
        status, fields = client.head()
        told.promise((status, client.pieces(fields)) == (200, b"120000"), f"{column}: was answered {status}")
        client.close()
        told.cells[column] = "as it comes" if early else "held until whole"
        told.promise(early or not prefix, f"{column}: the handler began only when all was there")


def _aborts(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """A client leaves while netlab waits, and in the middle of a stream: is the handler told?"""
    client = Client(port)
    client.send("GET", "/wait")
    _until(lambda: any(each.path == "/wait" for each in served.witness.seen))
    client.close()
    waiting = _until(lambda: "/wait" in served.witness.left, 5)
    told.cells["client leaves while the handler works"] = "told" if waiting else "not told within 5 s"
    client = Client(port)
    client.send("GET", "/endless")
    client.head()
    client.file.read(100_000)
    client.close()
    streaming = _until(lambda: "/endless" in served.witness.left)
    told.cells["client leaves a stream"] = "told" if streaming else "not told"
    told.promise(streaming, "the handler of an endless stream was never told that its client has left")


def _first_byte(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """The first piece of a stream reaches the client before the handler makes the second."""
    client = Client(port)
    # A proxy that holds it back is waited for until the time is up.
    client.socket.settimeout(20 if proxy.unbuffered else 3)
    client.send("GET", proxy.unbuffered + "/steps")
    try:
        status, _ = client.head()
        early = status == 200 and b"first" in client.file.readline() + client.file.readline()
    except TimeoutError:
        early = False
    served.release()
    client.close()
    told.cells["first piece of a stream"] = "at once" if early else "held back"
    told.promise(early or not proxy.unbuffered, "the first piece was held back")


def _stale(proxy: Proxy, told: Relayed, served: Serving, port: int) -> None:
    """netlab closes first, again and again, as a request comes: no POST runs twice; what fails is counted."""
    failed: dict[str, int] = {"GET": 0, "POST": 0}
    ran_twice = 0
    client = Client(port)
    for number in range(ROUNDS):
        for method in ("GET", "POST"):
            path = f"/turn-{number}" if method == "POST" else "/"
            try:
                status, _ = (
                    client.ask(method, path, "Content-Length: 2", content=b"ok")
                    if (method == "POST")
                    else client.ask(method, path)
                )
            except (OSError, ValueError):
                status = 0
            if status != 200:
                failed[method] += 1
                client.close()
                client = Client(port)
            ran = sum(each.path == path for each in served.witness.seen)
            ran_twice += method == "POST" and ran > 1
            # Around netlab's idle timeout, a little earlier or later each time: the race is tried.
            time.sleep(0.19 + 0.001 * number)
    client.close()
    told.cells["stale connections"] = (
        f"GET failed {failed['GET']}, POST failed {failed['POST']}, of {ROUNDS} each"
    )
    told.promise(ran_twice == 0, f"{ran_twice} POSTs ran twice")
