"""The one kind of error that a command shows to a person."""

from __future__ import annotations


class UserError(Exception):
    """What a user can mend: one line that says what is wrong, where, and how to mend it. Exit status 2."""
