"""How much of anything one peer may send: the limits of the parser, each with its reason.

Here live sizes (bytes, counts). Deadlines (seconds) live in `netlab.server.config`: this floor has no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may send before it is refused. Sizes in bytes.

    Raises ValueError, naming every value that cannot be used and its repair.
    """

    target: int = 8 * KIB
    """Request target; longer is 414. RFC 9112 §3 recommends that 8000 octets be supported."""

    field_section: int = 32 * KIB
    """All field lines of one head; longer is 431. Twice what browsers keep of cookies for a site."""

    field_lines: int = 128
    """Lines of one field section; more is 431. Browsers send about 20."""

    chunk_line: int = 4 * KIB
    """A chunk's size and extensions up to CRLF; longer is 400. No known client needs more than 20 bytes."""

    trailer_section: int = 8 * KIB
    """All trailer lines; longer is 431. Trailers carry digests and signatures, not data."""

    content: int = GIB
    """Content of one message; longer is 413. A handler may ask for another limit for its request."""

    least: int = KIB
    """The minimum data rate, both ways: bytes that a client must send of a body in each `Timeouts.content` of
    waiting (less is 408), and that it must take of a response in each `Timeouts.stall` (less drops it). A
    deadline that each byte renews would let one byte now and then hold a connection forever. 1 KiB in 30 s
    is a hundredth of what GPRS carries; 1 is for clients that send a few bytes now and then in one endless
    request."""

    pipeline: int = 64 * KIB
    """Bytes of further requests held while one is being answered; then reading pauses."""

    def __post_init__(self) -> None:
        wrong = [
            f"{field.name} is {value!r}: give a whole number of at least 1, such as {field.default}"
            for field in fields(self)
            if type(value := getattr(self, field.name)) is not int or value < 1
        ]
        if wrong:
            raise ValueError("limits that cannot be used: " + "; ".join(wrong))


DEFAULT_LIMITS = Limits()
