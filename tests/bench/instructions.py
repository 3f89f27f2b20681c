"""What one request costs netlab's server, counted, not timed: instructions, Python frames, system calls.

    python -m tests.bench.instructions [ROW ...]        without a row: every row

A count does not depend on how busy the machine is: two runs of the same code differ by about 0.1 %. So a
count judges a change of one per cent, which a clock does not see. It says nothing of the kernel's share.

There are two processes. This one is the client. The other one is the server, a Python under valgrind or
strace (`serve`). The client writes one request on each of 16 connections. Then it writes one byte into a pipe
on which the server waits. The server runs its event loop until the 16 requests are answered. So each turn of
the loop serves 16 connections, as under load, and every run does the same work.

Each row is run twice, with different numbers of requests. The difference is what these requests cost; what
the start and the end cost cancels out.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from netlab import Server
from netlab.asgi import AsgiHandler
from netlab.asgi.interface import Kind, kind_of
from netlab.cli.demonstration import Demonstration
from netlab.tls.authority import Certificates, mint
from netlab.tls.context import server_context
from tests.bench.apps import HELLO

ROOT = Path(__file__).parent.parent.parent

CONNECTIONS = 16

# Batches in the two runs of a row. The first ones teach CPython's interpreter and netlab's memories.
FEW, MANY = 20, 60

_HOST = b"Host: 127.0.0.1:8080\r\n"
_BROWSER = (
    b"GET /?page=%d HTTP/1.1\r\n" + _HOST +
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\n"
    b"Referer: http://127.0.0.1:8080/\r\n"
    b"Connection: keep-alive\r\n"
    b"Sec-Fetch-Site: same-origin\r\n"
    b"Cookie: theme=dark; session=5f2c9a4e77d1; seen=%d\r\n\r\n"
)  # fmt: skip
_POST = (
    b"POST /echo HTTP/1.1\r\n" + _HOST +
    b"Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
)  # fmt: skip
_ROUTE = (
    b"GET /users/42/orders/%d?fields=short&limit=20 HTTP/1.1\r\n"
    + _HOST
    + b"Accept: application/json\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request, and the app that answers it.

    request: its bytes; each "%d" in it becomes the number of the request. app: as `netlab serve` takes it;
    empty: the demonstration app. persistent: does the connection live on? bare: answered by a loop that is
    no server.
    """

    title: str
    request: bytes
    app: str = ""
    tls: bool = False
    persistent: bool = True
    bare: bool = False

    def numbered(self, number: int) -> bytes:
        """The request with this number."""
        return self.request.replace(b"%d", b"%d" % number)


_GET = b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n"

ROWS = {
    "get": Row("GET, the same head in every request", _GET),
    "heads": Row("GET, nine field lines of a browser, with a new target and a new cookie", _BROWSER),
    "echo1k": Row("POST of 1 KiB, echoed", _POST),
    "route": Row("a JSON route with a query", _ROUTE, "tests.bench.frameworks:route_app"),
    "tls": Row("GET over TLS 1.3", _GET, tls=True),
    "close": Row("one request per connection", _GET[:-2] + b"Connection: close\r\n\r\n", persistent=False),
    "asgi": Row("GET of a raw ASGI app", _GET, "tests.bench.apps:asgi"),
    "asgi-heads": Row("the same app, with those nine field lines", _BROWSER, "tests.bench.apps:asgi"),
    "bare": Row("a bare epoll loop: recv, send a constant", _GET, bare=True),
    "bare-tls": Row("the same over TLS 1.3", _GET, tls=True, bare=True),
}


# -- the server's process -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pipes:
    """go: a byte for each batch that the client has written. done: a line for each that is answered."""

    go: int
    done: int

    def say(self, what: object) -> None:
        """Tell the client."""
        os.write(self.done, f"{what}\n".encode())


def serve(row: Row, pipes: Pipes, chain: str, key: str) -> None:
    """Serve batches until the client closes the pipe. chain, key: the certificate's files, for TLS."""
    context = server_context(chain, key) if row.tls else None
    if row.bare:
        _serve_bare(pipes, context)
    else:
        asyncio.run(_serve(row, pipes, context))


async def _serve(row: Row, pipes: Pipes, context: ssl.SSLContext | None) -> None:
    async with Server(_app(row.app), tls=context) as server:
        pipes.say(server.port)
        await _readable(pipes.go)  # the clients connect meanwhile
        due = 0
        while os.read(pipes.go, 1):  # it blocks: no event is served until a whole batch has come
            due += CONNECTIONS
            while server.requests < due or not (row.persistent or not server.connections):
                await asyncio.sleep(0)
            pipes.say("done")


def _app(name: str) -> Callable[[Any], Awaitable[Any]]:
    if not name:
        return Demonstration()
    module, _, attribute = name.partition(":")
    app: Callable[..., Any] = getattr(import_module(module), attribute)
    return AsgiHandler(app) if kind_of(app) is Kind.ASGI3 else app


async def _readable(fd: int) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, arrived.set)
    await arrived.wait()
    loop.remove_reader(fd)


def _serve_bare(pipes: Pipes, context: ssl.SSLContext | None) -> None:
    """The floor: what recv, send and epoll cost in Python. As tests/bench/bareepoll.py."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(HELLO) + HELLO
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as epoll, ExitStack() as stack:
        pipes.say(listener.getsockname()[1])
        members: dict[int, socket.socket] = {}
        for _ in range(CONNECTIONS):
            sock = listener.accept()[0]
            sock.settimeout(60)
            if context is not None:
                sock = context.wrap_socket(sock, server_side=True)
            stack.enter_context(sock).setblocking(False)
            members[sock.fileno()] = sock
            epoll.register(sock.fileno(), select.EPOLLIN)
        while os.read(pipes.go, 1):
            for fd, _ in epoll.poll():
                sock = members[fd]
                if sock.recv(1 << 16):
                    sock.send(answer)
            pipes.say("done")


# -- the client's process -----------------------------------------------------------------------------------


class Failed(Exception):
    """The server did not answer as it should: what came instead."""


@contextmanager
def serving(
    name: str, certificates: Certificates, under: list[str], words: list[str]
) -> Iterator[tuple[int, int, int]]:
    """The server's process, started by the command `under`: its port, the pipe to it, the pipe from it."""
    go, done = os.pipe(), os.pipe()
    command = [*under, sys.executable, "-m", "tests.bench.instructions"]
    command += ["--serve", name, str(go[0]), str(done[1])]
    command += [str(certificates.chain), str(certificates.leaf_key), *words]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, pass_fds=(go[0], done[1]),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(go[0])
    os.close(done[1])
    try:
        yield int(_line(done[0])), go[1], done[0]
    except BaseException:
        process.kill()
        raise
    finally:
        os.close(go[1])
        said = process.communicate()[1]
        os.close(done[0])
    if process.returncode:
        raise Failed(f"the server ended with status {process.returncode}: {said.decode()[-300:]}")


def _line(pipe: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(pipe, 64)
        if not more:
            raise Failed("the server has ended too early")
        line += more
    return line.decode().strip()


def load(row: Row, batches: int, port: int, go: int, done: int) -> None:
    """Send so many batches, and look at every answer."""
    with ExitStack() as stack:
        clients = [] if not row.persistent else [connect(row, port, stack) for _ in range(CONNECTIONS)]
        for batch in range(batches):
            if not row.persistent:
                clients = [connect(row, port, stack) for _ in range(CONNECTIONS)]
            for number, client in enumerate(clients, batch * CONNECTIONS):
                client.sendall(row.numbered(number))
            os.write(go, b"g")
            _line(done)
            for client in clients:
                answer = client.recv(1 << 16)
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise Failed(f"an answer began with {answer[:60]!r}")
                if not row.persistent:
                    client.close()


def connect(row: Row, port: int, stack: ExitStack) -> socket.socket:
    """A client's connection. On TLS its certificate is not looked at: nothing of it is measured."""
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if row.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = stack.enter_context(context.wrap_socket(client))
    return client


# -- counting -----------------------------------------------------------------------------------------------

# A judge counts what the server's process did for so many batches of a row.
Judge = Callable[[str, Certificates, int, Path], int]


def instructions(name: str, certificates: Certificates, batches: int, folder: Path) -> int:
    """Instructions in user mode, by valgrind."""
    out = folder / "callgrind"
    under = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    with serving(name, certificates, under, []) as (port, go, done):
        load(ROWS[name], batches, port, go, done)
    return read_callgrind(out.read_text())


def read_callgrind(text: str) -> int:
    """The number of instructions in a file of callgrind. Raises Failed."""
    found = re.search(r"^(?:summary|totals): ([0-9]+)", text, re.MULTILINE)
    if found is None:
        raise Failed("valgrind has written no total")
    return int(found[1])


def system_calls(name: str, certificates: Certificates, batches: int, folder: Path) -> int:
    """System calls, by strace."""
    out = folder / "strace"
    with serving(name, certificates, ["strace", "-f", "-c", "-o", str(out)], []) as (port, go, done):
        load(ROWS[name], batches, port, go, done)
    return read_strace(out.read_text())


def read_strace(text: str) -> int:
    """The number of calls in a table of strace: its last line has the total. Raises Failed."""
    found = re.search(r"^100\.00 +[0-9.]+ +[0-9]+ +([0-9]+)", text, re.MULTILINE)
    if found is None:
        raise Failed("strace has written no total")
    return int(found[1])


def frames(name: str, certificates: Certificates, batches: int, folder: Path) -> int:
    """Python functions entered, or resumed, by the interpreter's own profiling hook."""
    out = folder / "frames"
    with serving(name, certificates, [], [str(out)]) as (port, go, done):
        load(ROWS[name], batches, port, go, done)
    return int(out.read_text())


def counting_frames(work: Callable[[], None], out: str) -> None:
    """Do the work, then write into the file `out` how many Python functions were entered."""
    entered = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        Path(out).write_text(str(entered))


JUDGES: dict[str, tuple[str, Judge, str]] = {
    "instructions": ("valgrind", instructions, "valgrind"),
    "frames": ("", frames, ""),
    "system calls": ("strace", system_calls, "strace"),
}
"""What is counted: the program that counts it, how, and the package that has the program."""


def a_request(judge: Judge, name: str, certificates: Certificates) -> float:
    """What one request of this row costs, by this judge."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (judge(name, certificates, batches, Path(folder)) for batches in (FEW, MANY))
    return (many - few) / ((MANY - FEW) * CONNECTIONS)


# -- the command --------------------------------------------------------------------------------------------


def main(words: list[str]) -> int:
    """Print a table: a line for each row. Status 2 for a row that does not exist."""
    unknown = sorted(set(words) - set(ROWS))
    if unknown:
        print(f"no row is called {unknown[0]!r}; the rows are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    judges = {}
    for what, (program, judge, package) in JUDGES.items():
        if program and shutil.which(program) is None:
            print(f"{what}: not shown on this machine: needs {program} (apt-get install {package})")
        else:
            judges[what] = judge
    if "instructions" not in judges:
        return 0
    print(f"{'a request':<50}" + "".join(f"{what:>14}" for what in judges))
    with tempfile.TemporaryDirectory() as folder:
        certificates = mint(Path(folder))
        for name in words or ROWS:
            counts = [a_request(judge, name, certificates) for judge in judges.values()]
            print(f"{ROWS[name].title:<50}" + "".join(f"{count:>14,.1f}" for count in counts), flush=True)
    return 0


def run(words: list[str]) -> int:
    """The command, or its server's process: the command's exit status."""
    if words[:1] != ["--serve"]:
        try:
            return main(words)
        except Failed as error:
            print(f"no figures: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    name, go, done, chain, key, *out = words[1:]

    def work() -> None:
        serve(ROWS[name], Pipes(int(go), int(done)), chain, key)

    if out:
        counting_frames(work, out[0])
    else:
        work()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
