"""The one kind of error that a learner or a lab's author is shown: one clear line, exit status 2."""

from __future__ import annotations


class LabError(Exception):
    """What a person can mend: what is wrong, where, and how to mend it."""
