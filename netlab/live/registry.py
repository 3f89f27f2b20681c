"""The boards, in the order of the index."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from netlab.live.board import Board

MODULES = ("wire", "cors", "handshake", "pool", "speed", "idle", "river", "siege")


def boards(command: Sequence[str] = ()) -> tuple[Board, ...]:
    """Every board. They are imported here, not with the package: a board may need a lot.

    command: the server that the board of the wire watches; none: netlab's own.
    """
    modules = {name: importlib.import_module(f"netlab.live.boards.{name}") for name in MODULES}
    return tuple(
        module.board(command) if command and name == "wire" else module.BOARD
        for name, module in modules.items()
    )
