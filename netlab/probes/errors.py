"""The one error of the probes: what stopped a measurement, in one clear line."""

from __future__ import annotations


class ProbeError(Exception):
    """What was to be measured is not there or hides; the message says which, and how to mend it."""
