"""The Internet checksum (RFC 1071), as IPv4 and TCP use it.

Here lives the sum alone. `ip` and `tcp` say what is summed, and what a mismatch means.
"""

from __future__ import annotations


def ones_complement_sum(data: bytes) -> int:
    """The sum of the 16-bit words of data with end-around carry; an odd last octet is padded with 0.

    2**16 leaves 1 when divided by 0xFFFF, so the whole string, read as one big number and reduced modulo
    0xFFFF, is the sum of its words with every carry brought round (RFC 1071 §2).
    """
    padded = data + b"\0" if len(data) % 2 else data
    number = int.from_bytes(padded, "big")
    # 0 and 0xFFFF are the same number in ones' complement; only a string of zeros sums to 0.
    return number % 0xFFFF or (0xFFFF if number else 0)


def internet_checksum(data: bytes) -> int:
    """The checksum to put into a header over data, in which the checksum field itself is 0 (RFC 1071 §1)."""
    return ones_complement_sum(data) ^ 0xFFFF
