"""`--log-config FILE`: the configuration of Python's logging, from JSON, TOML or INI.

A module of its own: what it imports weighs a megabyte, and a server without the option does not load it.
"""

from __future__ import annotations

import configparser
import json
import logging.config
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netlab.cli.errors import UserError


def configure_logging(name: str) -> None:
    """Configure Python's logging: .json and .toml for dictConfig, .ini, .cfg and .conf for fileConfig.

    Raises UserError, which names the file.
    """
    reader = _READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise UserError(f"--log-config {name}: give a file whose name ends with {', '.join(_READERS)}")
    try:
        reader(name)
    except OSError as error:
        raise UserError(f"--log-config {name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, ImportError, configparser.Error) as error:
        reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        raise UserError(f"--log-config {name}: {' '.join(reason.split())}") from None


def _from_json(name: str) -> None:
    logging.config.dictConfig(_table(json.loads(Path(name).read_text())))


def _from_toml(name: str) -> None:
    logging.config.dictConfig(_table(tomllib.loads(Path(name).read_text())))


def _from_ini(name: str) -> None:
    Path(name).read_bytes()  # fileConfig says nothing of a file that is not there
    logging.config.fileConfig(name, disable_existing_loggers=False)


def _table(settings: Any) -> dict[str, Any]:
    """Loggers that exist already stay, unless the file says otherwise: netlab's are made on import."""
    if not isinstance(settings, dict):
        raise ValueError("the file holds no table of settings")
    return {"version": 1, "disable_existing_loggers": False, **settings}


_READERS: dict[str, Callable[[str], None]] = {
    ".json": _from_json,
    ".toml": _from_toml,
    ".ini": _from_ini,
    ".cfg": _from_ini,
    ".conf": _from_ini,
}
