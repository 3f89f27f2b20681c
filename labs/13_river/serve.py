"""`make serve-13`: the reference as a server of one film.

    .venv/bin/python labs/13_river/serve.py [FILM] [--port N] [--code FILE]

Without FILM, a file of 5 GB that takes no disk: it is one hole. --code takes your own exercise.py.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import stat
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from labs.runner import loader  # noqa: E402
from labs.runner.errors import LabError  # noqa: E402

SIZE = 5 * 1000**3  # bytes


def film(folder: Path, size: int = SIZE) -> Path:
    """A file that is all hole: as long as any, read like any, and nothing on the disk."""
    path = folder / "film.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    return path


def checked(path: Path) -> Path:
    """A film of the learner's. Raises LabError or OSError if nothing could ever be sent of it."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = "is a folder" if stat.S_ISDIR(mode) else "is no regular file"
        raise LabError(f"{path}: {what}; give a file")
    path.open("rb").close()
    return path


async def main(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    code = loader.load(options.code.resolve())
    with tempfile.TemporaryDirectory(prefix="river-") as folder:
        path = checked(options.film) if options.film else film(Path(folder))
        server = await code.serve(path, options.port)
        port = server.sockets[0].getsockname()[1]
        print(f"{path.stat().st_size:,} bytes at http://127.0.0.1:{port}/, process {os.getpid()}", flush=True)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", nargs="?", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--code", type=Path, default=FOLDER / "solution.py")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        place = f": {error.filename}" if error.filename else " (another --port? 0 takes a free one)"
        print(f"river: {error.strerror}{place}", file=sys.stderr)
        sys.exit(2)
    except LabError as mistake:
        print(f"river: {mistake}", file=sys.stderr)
        sys.exit(2)
