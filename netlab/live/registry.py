"""The boards, in the order of the index."""

from __future__ import annotations

import importlib

from netlab.live.board import Board

MODULES = ("cors", "handshake")


def boards() -> tuple[Board, ...]:
    """Every board. They are imported here, not with the package: a board may need a lot."""
    return tuple(importlib.import_module(f"netlab.live.boards.{name}").BOARD for name in MODULES)
