"""HTTP/1.1 as bytes and values: grammar, framing, parser, serializer. RFC 9110, RFC 9112.

Pure: no socket, no clock, no asyncio. Read in this order: `grammar`, `framing`, `heads`, `parser`,
`content`, `responses`, `serializer`.
"""

from netlab.http1.errors import ProtocolError
from netlab.http1.fields import Fields
from netlab.http1.framing import Framing, FramingKind
from netlab.http1.limits import Limits
from netlab.http1.messages import Content, EndOfMessage, Event, RequestHead, ResponseHead
from netlab.http1.parser import RequestParser
from netlab.http1.responses import ResponseParser

__all__ = [
    "Content",
    "EndOfMessage",
    "Event",
    "Fields",
    "Framing",
    "FramingKind",
    "Limits",
    "ProtocolError",
    "RequestHead",
    "RequestParser",
    "ResponseHead",
    "ResponseParser",
]
