"""What was on the wire: packets decoded, streams put in order, captures read and written, octets drawn.

Pure values: no socket, no clock. `netlab.sniffer` and `netlab.relay` record; this package reads what they
recorded.

    captured (time, octets) → ethernet → ip → tcp: `decode` gives a Packet
    packets → `Reassembler` → Conversation (the octets of each direction, the handshake) → `ladder`
    a file → `open_capture` → captured → `follow`: events of every TCP stream, in flat memory
    captured → `pcapng` → Wireshark;  a relay's chunks → `compose` → captured
"""

from netlab.capture.annotate import annotate
from netlab.capture.compose import compose
from netlab.capture.errors import DecodeError
from netlab.capture.files import open_capture
from netlab.capture.flow import Flow
from netlab.capture.following import follow
from netlab.capture.hexdump import Range, hexdump
from netlab.capture.ladder import Rung, ladder, rungs
from netlab.capture.packet import Captured, Endpoint, Packet, decode, encode
from netlab.capture.pcapng import Secrets
from netlab.capture.stream import Chunk, Conversation, Direction, Reassembler
from netlab.capture.tcp import Checksum, Flags, Options, Segment

__all__ = [
    "Captured", "Checksum", "Chunk", "Conversation", "DecodeError", "Direction", "Endpoint", "Flags", "Flow",
    "Options", "Packet", "Range", "Reassembler", "Rung", "Secrets", "Segment", "annotate", "compose",
    "decode", "encode", "follow", "hexdump", "ladder", "open_capture", "rungs",
]  # fmt: skip
