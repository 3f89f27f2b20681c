"""What of an ASGI request is the app's own cost, and what is the server's: instructions, counted by valgrind.

    python -m tests.bench.appcost [APP ...]             without an app: every one

Each app is run three times in the same Python: by a loop that is no server ("alone"), by netlab, and by
uvicorn with httptools and uvloop. The first count is a floor that no server can lower. So it says which ratio
between two servers is possible at all with this app. The kernel's share is in none of them.

As in `instructions`, a server runs its event loop until a batch of 16 requests is answered, and each figure
is the difference of two runs. Set PYTHONPATH to the folder of another uvloop to count with that one.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from netlab import Server
from netlab.asgi import AsgiHandler
from tests.bench.instructions import CONNECTIONS, FEW, MANY, Failed, read_callgrind

ROOT = Path(__file__).parent.parent.parent
SERVERS = ("alone", "netlab", "uvicorn")

_HOST = b"Host: 127.0.0.1:8080\r\n"
_JSON = b'{"text":"' + b"x" * 1013 + b'"}'
GET = b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n"
POST = (
    b"POST /json HTTP/1.1\r\n" + _HOST +
    b"Content-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + _JSON
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """An app (module:name) and the request that it answers."""

    title: str
    app: str
    request: bytes


CASES = {
    "asgi": Case("a raw ASGI app", "tests.bench.apps:asgi", GET),
    "starlette": Case("a Starlette route", "tests.bench.frameworks:starlette_app", GET),
    "fastapi": Case("a FastAPI route with a dependency", "tests.bench.frameworks:fastapi_app", GET),
    "json": Case("Starlette, POST of 1 KiB of JSON", "tests.bench.frameworks:starlette_app", POST),
}

Batch = Callable[[int], Coroutine[Any, Any, None]]
"""Serves until so many requests are answered in all."""


# -- the process that is counted ----------------------------------------------------------------------------


async def _serve(kind: str, app: Any, case: Case, go: int, done: int) -> None:
    if kind == "alone":
        await _batches(_alone(app, case), go, done, 0)
    elif kind == "netlab":
        async with Server(AsgiHandler(app, lifespan="off"), port=0) as server:
            await _batches(_until(lambda: server.requests), go, done, server.port)
    else:
        await _serve_uvicorn(app, go, done)


async def _serve_uvicorn(app: Any, go: int, done: int) -> None:
    import uvicorn

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        config = uvicorn.Config(
            app, http="httptools", ws="none", lifespan="off", access_log=False, server_header=False,
            log_level="warning", timeout_keep_alive=3600,
        )  # fmt: skip
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        port = int(listener.getsockname()[1])
        await _batches(_until(lambda: server.server_state.total_requests), go, done, port)
        await server.shutdown([listener])


def _until(count: Callable[[], int]) -> Batch:
    async def batch(due: int) -> None:
        while count() < due:
            await asyncio.sleep(0)

    return batch


async def _batches(batch: Batch, go: int, done: int, port: int) -> None:
    """Serve batches until the client closes the pipe."""
    os.write(done, b"%d\n" % port)
    loop, arrived, due = asyncio.get_running_loop(), asyncio.Event(), 0
    loop.add_reader(go, arrived.set)  # the clients connect meanwhile
    await arrived.wait()
    loop.remove_reader(go)
    os.set_blocking(go, True)  # uvloop has changed it
    while os.read(go, 1):  # it blocks: no event is served until a whole batch has come
        due += CONNECTIONS
        await batch(due)
        os.write(done, b"done\n")


def _alone(app: Any, case: Case) -> Batch:
    """Calls the app with a scope as a server makes it; what it sends is thrown away."""
    head, _, body = case.request.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (each.partition(b":") for each in fields)]
    method, path, _ = line.decode().split(" ")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": method, "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8080),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        pass

    async def batch(due: int) -> None:
        for _ in range(CONNECTIONS):
            await app({**scope, "headers": headers.copy()}, receive, send)

    return batch


def serve(kind: str, name: str, go: int, done: int) -> None:
    """The counted process: `kind` is one of SERVERS."""
    case = CASES[name]
    module, _, attribute = case.app.partition(":")
    work = _serve(kind, getattr(import_module(module), attribute), case, go, done)
    if kind == "uvicorn":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)


# -- the client's process -----------------------------------------------------------------------------------


def total(kind: str, name: str, batches: int, folder: Path) -> int:
    """Instructions of a process that serves so many batches. Raises Failed."""
    out = folder / "callgrind"
    drive(kind, name, batches, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"])
    return read_callgrind(out.read_text())


def drive(kind: str, name: str, batches: int, under: list[str]) -> None:
    """Let a process, started by the command `under`, serve so many batches. Raises Failed."""
    go, done = os.pipe(), os.pipe()
    command = [*under, sys.executable, "-m", "tests.bench.appcost"]
    command += ["--serve", kind, name, str(go[0]), str(done[1])]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, pass_fds=(go[0], done[1]),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(go[0])
    os.close(done[1])
    try:
        with open(done[0], "rb") as told:
            port = told.readline()
            if not port:
                raise Failed("the server has ended too early")
            load(CASES[name].request, batches, int(port), go[1], told.readline)
    except BaseException:
        process.kill()
        raise
    finally:
        os.close(go[1])
        said = process.communicate()[1]
    if process.returncode:
        raise Failed(f"{kind} ended with status {process.returncode}: {said.decode()[-300:]}")


def load(request: bytes, batches: int, port: int, go: int, wait: Callable[[], bytes]) -> None:
    """Send so many batches, and look at every answer. port 0: there is no server to connect to."""
    clients = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(CONNECTIONS if port else 0)]
    try:
        for _ in range(batches):
            for client in clients:
                client.sendall(request)
            os.write(go, b"g")
            if wait() != b"done\n":
                raise Failed("the server has ended too early")
            for client in clients:
                answer = client.recv(1 << 16)
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise Failed(f"an answer began with {answer[:60]!r}")
    finally:
        for client in clients:
            client.close()


def a_request(kind: str, name: str) -> float:
    """Instructions of one request."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (total(kind, name, batches, Path(folder)) for batches in (FEW, MANY))
    return (many - few) / ((MANY - FEW) * CONNECTIONS)


def line(title: str, alone: float, ours: float, theirs: float) -> str:
    """A row of the table. The last column: uvicorn beside a server that costs nothing at all."""
    counts = "".join(f"{count:>10,.0f}" for count in (alone, ours, theirs))
    return f"{title:<36}{counts}{theirs / ours:>10.2f}{theirs / alone:>10.2f}"


def main(words: list[str]) -> int:
    """Print a table. Status 2 for an app that does not exist."""
    unknown = sorted(set(words) - set(CASES))
    if unknown:
        print(f"no app is called {unknown[0]!r}; the apps are {', '.join(CASES)}", file=sys.stderr)
        return 2
    if shutil.which("valgrind") is None:
        print("not shown on this machine: needs valgrind (apt-get install valgrind)")
        return 0
    heads = ("alone", "netlab", "uvicorn", "ratio", "at most")
    print(f"{'instructions of a request':<36}" + "".join(f"{head:>10}" for head in heads))
    for name in words or CASES:
        alone, ours, theirs = (a_request(kind, name) for kind in SERVERS)
        print(line(CASES[name].title, alone, ours, theirs), flush=True)
    return 0


def run(words: list[str]) -> int:
    """The command, or its counted process: the command's exit status."""
    try:
        if words[:1] == ["--serve"]:
            kind, name, go, done = words[1:]
            serve(kind, name, int(go), int(done))
            return 0
        return main(words)
    except Failed as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
