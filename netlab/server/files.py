"""Files as responses: sent by the kernel, in ranges, only if they have changed; and a folder, safely.

What a request wants of a file is decided in `netlab.http1.conditional`; how its bytes leave, in
`netlab.net.transport` (sendfile) and `streaming`. Here: opening, describing, and never leaving the folder.
"""

from __future__ import annotations

import errno
import html
import mimetypes
import os
import stat
import time
from collections.abc import Callable, Sequence
from http import HTTPMethod
from pathlib import Path
from urllib.parse import quote

from netlab.http1.conditional import Representation, evaluate, http_date
from netlab.server.filecontent import FileContent
from netlab.server.request import Request
from netlab.server.response import Response

_TEXT = {"content-type": "text/plain; charset=utf-8"}
_BUSY = (errno.EMFILE, errno.ENFILE)

# Names that begin with a dot are private (.git, .env), except this one: RFC 8615.
_WELL_KNOWN = ".well-known"
_METHODS = "GET, HEAD, OPTIONS"

# Linux: the longest path that a program may open, in octets, its final NUL included.
PATH_MAX = 4096

# What an open that must not follow says of a symlink: as its last component, or as a folder.
_SYMLINK = (errno.ELOOP, errno.ENOTDIR)

# Suffixes of compressed files, and the media types of such files; brotli has none that is registered.
_COMPRESSED = {
    ".gz": "application/gzip", ".tgz": "application/gzip", ".taz": "application/gzip",
    ".tz": "application/gzip", ".svgz": "application/gzip", ".wmz": "application/gzip",
    ".emz": "application/gzip", ".zst": "application/zstd", ".tzst": "application/zstd",
    ".bz2": "application/x-bzip2", ".tbz": "application/x-bzip2", ".tbz2": "application/x-bzip2",
    ".xz": "application/x-xz", ".txz": "application/x-xz", ".lzma": "application/x-lzma",
    ".z": "application/x-compress", ".br": "application/octet-stream",
}  # fmt: skip


def file_response(request: Request, fd: int, name: str, now: int) -> Response:
    """The answer to a GET or HEAD of an open file, whose descriptor it takes over.

    name: for its media type. now: the time in seconds since 1970. Honours Range, If-Range,
    If-(None-)Match and If-(Un)Modified-Since.
    """
    try:
        response = _described(request, fd, name, now)
    except BaseException:
        os.close(fd)
        raise
    if response.stream is None:
        os.close(fd)
    return response


def _described(request: Request, fd: int, name: str, now: int) -> Response:
    status = os.fstat(fd)
    # Size and time in nanoseconds: two versions of the same second differ (RFC 9110 §8.8.1).
    tag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    # A time in the future is sent as now (§8.8.2.1). So Date is set here, too: the server's own is up to a
    # quarter of a second old, and might lie before Last-Modified.
    of = Representation(status.st_size, tag, min(status.st_mtime_ns // 1_000_000_000, now))
    outcome = evaluate(request.fields, request.method, of, now)
    fields = {"date": http_date(now), "etag": tag}
    # A client that named its copy is not told again what it knows of it: §15.4.5 (304), §15.3.7 (206).
    known = outcome.status == 304 or (outcome.status == 206 and "if-range" in request.fields)
    if not known:
        fields |= {"last-modified": of.last_modified, "accept-ranges": "bytes"}
    if outcome.status not in (200, 206):
        if outcome.status == 416:
            fields["content-range"] = f"bytes */{of.size}"
        return Response(outcome.status, fields=fields)
    if not known:
        fields["content-type"] = media_type(name)
    fields["content-length"] = str(outcome.length)
    if outcome.status == 206:
        fields["content-range"] = f"bytes {outcome.first}-{outcome.last}/{of.size}"
    return Response(outcome.status, fields=fields, stream=FileContent(fd, outcome.first, outcome.length))


class Folder:
    """A handler that serves the files of a folder, and nothing outside it.

    listing: show what a folder without index.html contains. clock: seconds since 1970. Raises ValueError when
    `root` is no folder.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, listing: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.root = os.path.realpath(root)
        self.listing = listing
        self._clock = clock
        mimetypes.init()  # it reads files: not in the middle of a request, when no descriptor may be left
        if not os.path.isdir(self.root):
            raise ValueError(f"{os.fspath(root)!r} is no folder")

    async def __call__(self, request: Request) -> Response:
        """Answer a request for a file."""
        if request.method == "OPTIONS":
            return Response(204, fields={"allow": _METHODS})
        if request.method not in HTTPMethod.__members__:
            # RFC 9110 §9.1: an unknown method is 501, a known one that files refuse 405. "get" is not GET.
            return Response(501, "no method this server knows\n", _TEXT)
        if request.method not in ("GET", "HEAD"):
            return Response(405, "only GET and HEAD\n", {**_TEXT, "allow": _METHODS})
        path = request.path
        try:
            fd = self._open(path)
        except OSError as error:
            return _nothing(error)
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            return file_response(request, fd, path, int(self._clock()))
        try:
            return self._folder(request, path, fd)
        finally:
            os.close(fd)

    def _open(self, path: str) -> int:
        """Open what a decoded path names, below the root. Raises OSError for everything else.

        The walk goes folder by folder and follows no symlink, so it ends at the first component that is
        missing, however many follow. A symlink may point to another place inside the root: then the rest is
        resolved once, and walked again. A symlink that appears in between is refused, not followed.
        """
        parts = _components(path)
        try:
            fd = self._walk(parts)
        except OSError as error:
            if error.errno not in _SYMLINK:
                raise
            fd = self._walk(self._resolved(parts))
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not path.endswith("/"))):
            os.close(fd)
            raise PermissionError(errno.EACCES, "neither a file nor a folder")
        return fd

    def _walk(self, parts: Sequence[str]) -> int:
        """Open folder by folder. Raises OSError at the first component that is missing or a symlink."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts:
            try:
                # Without O_NONBLOCK the open of a FIFO would block the server until a program writes to it.
                below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd)
            finally:
                os.close(fd)
            fd = below
        return fd

    def _resolved(self, parts: Sequence[str]) -> Sequence[str]:
        """The components below the root without symlinks. Raises OSError when they lead out of it."""
        real = os.path.realpath(os.path.join(self.root, *parts), strict=True)
        if real != self.root and not real.startswith(self.root.rstrip("/") + "/"):
            raise PermissionError(errno.EACCES, "outside the root")
        return Path(real).relative_to(self.root).parts

    def _folder(self, request: Request, path: str, fd: int) -> Response:
        """A folder: its index.html, its listing, or nothing."""
        if not path.endswith("/"):
            # Without the slash, relative links in its index would be resolved one level too high.
            # One slash in front: behind two, a host would be read (RFC 3986 §4.2). The query has been checked
            # by the parser; the path was decoded, and is encoded anew.
            _, mark, query = request.target.partition("?")
            return Response(308, fields={"location": f"/{quote(path.lstrip('/'))}/{mark}{query}"})
        try:
            index = self._open(path + "index.html")
        except OSError as error:
            if error.errno in _BUSY or not self.listing:
                return _nothing(error)
            return self._list(path, fd)
        if stat.S_ISDIR(os.fstat(index).st_mode):
            os.close(index)
            return Response(404, "not found\n", _TEXT)
        return file_response(request, index, "index.html", int(self._clock()))

    def _list(self, path: str, fd: int) -> Response:
        """What a folder contains, hidden files left out."""
        with os.scandir(fd) as entries:
            names = sorted(
                e.name + "/" * e.is_dir(follow_symlinks=False) for e in entries if not e.name.startswith(".")
            )
        title = html.escape(path)
        items = "".join(
            f'<li><a href="{quote(os.fsencode(name))}">{html.escape(name)}</a></li>\n' for name in names
        )
        head = f"<!doctype html>\n<meta charset=utf-8>\n<title>{title}</title>\n<h1>{title}</h1>\n"
        page = f"{head}<ul>\n{items}</ul>\n"
        return Response(200, page.encode("utf-8", "replace"), {"content-type": "text/html; charset=utf-8"})


def _components(path: str) -> list[str]:
    """The names in a decoded path, empty ones left out. Raises OSError for a path that no file here has.

    Linux refuses paths beyond PATH_MAX as a whole; walked name by name, one would never reach that limit.
    """
    parts = [part for part in path.split("/") if part]
    # Names that some file system reads otherwise than we do are refused, not repaired.
    # A hidden file is one of those that are not there.
    hidden = any(part[0] == "." and part != _WELL_KNOWN for part in parts)
    if path[:1] != "/" or hidden or "\\" in path or "\0" in path:
        raise FileNotFoundError(errno.ENOENT, "not a path below the root")
    if len(path) > PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, "longer than any path here")
    return parts


def media_type(name: str) -> str:
    """The media type of the octets that are sent for a file of this name: its last suffix decides.

    A file is sent as it lies on the disk. So `data.json.gz` is gzip (RFC 6713) to its reader, not JSON: the
    server adds no Content-Encoding, and a client that parsed it as JSON would fail.
    """
    base = name.rpartition("/")[2].lower()
    kind, coding = mimetypes.guess_type(base)
    suffix = os.path.splitext(base)[1]
    if coding is not None or suffix in _COMPRESSED:
        kind = _COMPRESSED.get(suffix)
    return kind or "application/octet-stream"


def _nothing(error: OSError) -> Response:
    """The same answer whatever forbids it: a client must not learn what lies outside."""
    busy = error.errno in _BUSY
    return Response(503, "busy\n", _TEXT) if busy else Response(404, "not found\n", _TEXT)
