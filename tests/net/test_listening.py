"""Places to listen at: a path is taken from no live program and given back only by its owner."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import threading
from pathlib import Path

import pytest

from netlab import Request, Response, Server
from netlab.net.listening import Place, TcpPlace, UnixPlace, acceptor


async def app(request: Request) -> Response:
    return Response(200, request.target.encode())


def _can_connect(path: Path | str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


def _leave(path: Path, kind: int = socket.SOCK_STREAM, listen: int | None = None) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(path))
    if listen is not None:
        sock.listen(listen)
    return sock


async def _refused(path: Path) -> OSError:
    before = os.lstat(path)
    with pytest.raises(OSError) as refused:
        await Server(app, uds=path).start()
    after = os.lstat(path)
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode), "it was left alone"
    return refused.value


async def test_a_dead_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _leave(path, listen=1).close()
    async with Server(app, uds=path):
        assert _can_connect(path)
    assert not path.exists()


@pytest.mark.parametrize("backlog", [5, 0])
async def test_a_live_socket_is_never_taken(tmp_path: Path, backlog: int) -> None:
    path = tmp_path / "s"
    with _leave(path, listen=backlog), socket.socket(socket.AF_UNIX) as filler:
        if backlog == 0:
            filler.connect(str(path))  # its backlog is full: a connect would wait, and is no refusal
        assert (await _refused(path)).errno == errno.EADDRINUSE


async def test_what_is_no_stream_socket_of_a_dead_program_stays(tmp_path: Path) -> None:
    datagram, file, folder, link = (tmp_path / name for name in ("d", "f", "o", "l"))
    file.write_text("precious")
    folder.mkdir()
    with _leave(datagram, socket.SOCK_DGRAM), _leave(tmp_path / "live", listen=1):
        os.symlink(tmp_path / "live", link)
        for path in (datagram, file, folder, link):
            assert (await _refused(path)).errno == errno.EADDRINUSE
    dangling = tmp_path / "dangling"
    os.symlink(tmp_path / "nowhere", dangling)
    assert (await _refused(dangling)).errno == errno.EADDRINUSE


async def test_a_stop_leaves_the_successor_s_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    old, new = Server(app, uds=path), Server(app, uds=path)
    await old.start()
    path.unlink()  # as a deployment does it
    await new.start()
    await old.stop()
    assert _can_connect(path)
    await new.stop()
    assert not path.exists()


async def test_a_stop_leaves_a_file_that_has_taken_the_path(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with Server(app, uds=path):
        path.unlink()
        path.write_text("precious")
    assert path.read_text() == "precious"


def test_of_many_starts_on_one_dead_socket_exactly_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _leave(path, listen=1).close()
    won: list[socket.socket] = []
    lost: list[int | None] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        try:
            won.append(UnixPlace(str(path)).listen())
        except OSError as error:
            lost.append(error.errno)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(won) == 1 and lost == [errno.EADDRINUSE] * 7
        assert _can_connect(path)
    finally:
        for sock in won:
            sock.close()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o777])
async def test_the_path_has_the_permissions_that_were_asked_for(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "s"
    async with Server(app, uds=path, uds_mode=mode):
        assert stat.S_IMODE(os.lstat(path).st_mode) == mode


def _listening(family: socket.AddressFamily, address: object) -> socket.socket:
    sock = socket.socket(family)
    sock.bind(address)  # type: ignore[arg-type]
    sock.listen()
    return sock


@pytest.mark.parametrize("name", ["sock", "s"])
async def test_a_unix_socket_that_was_handed_over_is_known_for_what_it_is(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    async with Server(app, sock=_listening(socket.AF_UNIX, path)) as server:
        assert (server.url, server.port, server.uds) == (f"unix:{path}", 0, path)
        assert repr(server) == f"<netlab.Server unix:{path}, 0 connections>"
    assert os.path.exists(path), "the program that made it removes it"


async def test_an_abstract_socket_is_named_with_an_at_sign() -> None:
    name = f"\0netlab-{os.getpid()}"
    shown = "unix:@" + name[1:]
    async with Server(app, sock=_listening(socket.AF_UNIX, name)) as server:
        assert (server.url, server.port) == (shown, 0)
    async with Server(app, uds=name) as server:
        assert server.url == shown and _can_connect(name)


async def test_a_tcp_socket_that_was_handed_over_names_host_and_port() -> None:
    for family, host, shown in (
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "[::1]"),
    ):
        sock = _listening(family, (host, 0))
        port = sock.getsockname()[1]
        async with Server(app, sock=sock) as server:
            assert (server.host, server.port) == (host, port)
            assert server.url == f"http://{shown}:{port}"


async def test_a_server_shows_its_state() -> None:
    server = Server(app)
    assert repr(server) == "<netlab.Server, not started>"
    await server.start()
    assert repr(server) == f"<netlab.Server http://127.0.0.1:{server.port}, 0 connections>"
    await server.stop()
    assert repr(server) == "<netlab.Server, stopped>"


async def test_only_a_socket_of_its_own_is_filtered_at_the_end() -> None:
    """A filter would stay on the socket that another process still accepts from."""
    sock = _listening(socket.AF_INET, ("127.0.0.1", 0))
    with sock.dup() as kept:
        async with Server(app, sock=sock):
            pass
        with socket.create_connection(kept.getsockname(), timeout=20):
            kept.accept()[0].close()


MISTAKES = {
    "an empty path": ({"uds": ""}, "uds is ''"),
    "an empty abstract name": ({"uds": "\0"}, "uds is"),
    "a path and a port": ({"uds": "s", "port": 80}, "one of the two"),
    "a path and a host": ({"uds": "s", "host": "::1"}, "one of the two"),
    "a mode without a path": ({"uds_mode": 0o600}, "give uds"),
    "a mode that is none": ({"uds": "s", "uds_mode": 660}, "0o660"),
    "a port that is none": ({"port": 65536}, "0 to 65535"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_used_is_said_at_construction(mistake: str) -> None:
    arguments, said = MISTAKES[mistake]
    with pytest.raises(ValueError, match=re.escape(said)):
        Server(app, **arguments)  # type: ignore[arg-type]


def test_all_mistakes_are_said_at_once() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram, socket.socket() as silent:
        with pytest.raises(ValueError, match=r"uds is ''.*uds and sock.*stream socket"):
            Server(app, uds="", sock=datagram)
        with pytest.raises(ValueError, match="does not listen"):
            Server(app, sock=silent)


@pytest.mark.parametrize("kind", ["IPv4", "Unix"])
def test_an_accepted_socket_is_as_python_would_have_made_it(kind: str, tmp_path: Path) -> None:
    place: Place = TcpPlace("127.0.0.1", 0) if kind == "IPv4" else UnixPlace(str(tmp_path / "s"))
    with place.listen() as listener:
        accept = acceptor(listener)
        with pytest.raises(BlockingIOError):
            accept()
        with socket.socket(listener.family) as first, socket.socket(listener.family) as second:
            first.connect(listener.getsockname())
            second.connect(listener.getsockname())
            ours = accept()
            with listener.accept()[0] as pythons:
                assert (ours.family, ours.type, ours.proto) == (pythons.family, pythons.type, pythons.proto)
                assert ours.gettimeout() == pythons.gettimeout() and not os.get_inheritable(ours.fileno())
                assert ours.getsockname() == first.getpeername() and type(ours) is socket.SocketType
                ours.sendall(b"to the first")
                assert first.recv(20) == b"to the first"
            ours.close()
        place.release()
