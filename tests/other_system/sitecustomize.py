"""Hide from Python what only Linux has: what a learner on macOS meets, as far as Linux can show it.

Python imports this file by itself when its folder is on PYTHONPATH, in every child as well:

    PYTHONPATH=tests/other_system python -m labs all

Hidden are epoll, AF_PACKET, TCP_INFO, SO_MEMINFO, BPF filters, TIOCOUTQ of sockets, the calls of `os` that
belong to Linux, and /proc; `sys.platform` says darwin. psutil alone may read /proc: it stands for the calls
that it makes on macOS. Not hidden: how the kernel's TCP behaves.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import socket
import sys
import termios
from collections.abc import Callable
from typing import Any

_NAMES = {
    # The selectors module keeps epoll for itself, in the place of macOS's kqueue.
    "select": ("epoll",),
    "selectors": ("EpollSelector",),
    "socket": ("AF_PACKET", "TCP_INFO", "TCP_QUICKACK", "TCP_USER_TIMEOUT", "TCP_DEFER_ACCEPT"),
    "os": ("sched_setaffinity", "sched_getaffinity", "pidfd_open", "memfd_create", "splice"),
}
# These choose their code by the platform when they are imported, and the code for macOS would not run here.
_FIRST = (
    *("asyncio", "ctypes.util", "multiprocessing.context", "platform", "psutil", "selectors", "subprocess"),
    *("sysconfig", "urllib.request", "uuid", "webbrowser"),
)
_SO_ATTACH_FILTER, _SO_MEMINFO = 26, 55
_FOLDERS = ("/proc", "/sys")


def _is_hidden(path: object) -> bool:
    """Does the path lie in a folder of Linux alone, and is it not psutil that asks?"""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    text = os.fsdecode(path)
    if not any(text == folder or text.startswith(folder + "/") for folder in _FOLDERS):
        return False
    frame = sys._getframe(2)
    while frame.f_back is not None:
        if str(frame.f_globals.get("__name__")).startswith("psutil"):
            return False
        frame = frame.f_back
    return True


def _without_files(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *args: Any, **named: Any) -> Any:
        if _is_hidden(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))
        return function(path, *args, **named)

    return call


def _without_options(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(sock: socket.socket, level: int, option: int, *args: Any) -> Any:
        if level == socket.SOL_SOCKET and option in (_SO_ATTACH_FILTER, _SO_MEMINFO):
            raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
        return function(sock, level, option, *args)

    return call


def _without_outq(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(fd: Any, request: int, *args: Any) -> Any:
        if request == termios.TIOCOUTQ:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return function(fd, request, *args)

    return call


def hide() -> None:
    """From now on, this process knows no Linux."""
    for name in _FIRST:
        __import__(name)
    sys.modules["sysconfig"].get_config_vars()  # type: ignore[attr-defined]
    sys.modules["platform"].uname()  # type: ignore[attr-defined]
    sys.modules["webbrowser"].register_standard_browsers()  # type: ignore[attr-defined]
    for module, names in _NAMES.items():
        for name in names:
            if hasattr(sys.modules[module], name):
                delattr(sys.modules[module], name)
    builtins.open = io.open = _without_files(builtins.open)
    for name in ("stat", "lstat", "listdir", "scandir", "readlink", "open"):
        setattr(os, name, _without_files(getattr(os, name)))
    exists, isdir = os.path.exists, os.path.isdir
    os.path.exists = lambda path: not _is_hidden(path) and exists(path)
    os.path.isdir = lambda path: not _is_hidden(path) and isdir(path)
    for name in ("getsockopt", "setsockopt"):
        setattr(socket.socket, name, _without_options(getattr(socket.socket, name)))
    fcntl.ioctl = _without_outq(fcntl.ioctl)
    sys.platform = "darwin"


hide()
