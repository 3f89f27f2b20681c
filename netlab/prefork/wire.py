"""What supervisor and worker say to each other over their socket pair.

Downwards each command is one octet. Upwards each message is a line: a beat, or how the start went, as JSON
("" or the reason why it failed).
"""

from __future__ import annotations

# Commands.
DRAIN = b"d"
"""Finish what is under way, then end."""
HURRY = b"h"
"""End now."""
RELOAD = b"r"
"""Load certificate and key anew."""
REOPEN = b"l"
"""Open the log files anew."""

# Messages.
BEAT = b"."
"""The worker's event loop still turns."""

# Seconds between two beats.
BEAT_INTERVAL = 0.5
