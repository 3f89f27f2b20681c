"""From a host name to a connected TCP socket: name look-up, then address after address. RFC 6724, RFC 6761.

What is left out, frankly: Happy Eyeballs (RFC 8305). Addresses are tried one after the other, in the order
of the resolver, each with its share of the time that is left; so one dead address delays, no more.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import socket
from typing import Any

from netlab.client.errors import ConnectFailed, TimedOut, UnknownHost
from netlab.client.hosts import is_loopback_name
from netlab.client.url import Origin

# An address as `socket` wants it: family and sockaddr.
Address = tuple[int, Any]

# RFC 6761 §6.3: this name is the loopback interface wherever one is, and no DNS server is asked.
_LOOPBACK = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")


async def resolve(loop: asyncio.AbstractEventLoop, origin: Origin, timeout: float) -> list[Address]:
    """The addresses of an origin, in the order to try them. Raises UnknownHost, TimedOut (seconds).

    Only real names cost a thread hop: the resolver of the C library waits for its answer.
    """
    host, port = origin.host, origin.port
    if is_loopback_name(host):
        return [(family, (address, port)) for family, address in _LOOPBACK]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass  # a name
    else:
        return [_literal(address, port)]
    try:
        async with asyncio.timeout(None if timeout == math.inf else timeout):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise TimedOut(f"looking up {host!r} took longer than {timeout:g} s", "connect") from None
    except socket.gaierror as error:
        raise UnknownHost(f"unknown host {host!r}: {error.strerror or error}") from None
    except UnicodeError:
        raise UnknownHost(f"unknown host {host!r}: not a name that DNS can hold") from None
    return [(int(family), address) for family, _, _, _, address in found]


def _literal(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> Address:
    """An address that the URL itself gives. Raises ConnectFailed for a zone that does not exist here."""
    if isinstance(address, ipaddress.IPv4Address):
        return socket.AF_INET, (str(address), port)
    if address.scope_id is None:
        return socket.AF_INET6, (str(address), port)
    zone = address.scope_id
    try:
        index = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:
        raise ConnectFailed(f"no interface {zone!r} on this machine: `ip link` lists them") from None
    return socket.AF_INET6, (str(address).partition("%")[0], port, 0, index)


async def dial(
    loop: asyncio.AbstractEventLoop, origin: Origin, addresses: list[Address], timeout: float
) -> tuple[socket.socket, Any]:
    """A connected, non-blocking socket, and the address that answered. timeout: seconds for all of them.

    Raises ConnectFailed with the last address's reason, TimedOut.
    """
    give_up = loop.time() + timeout
    failure: OSError | None = None
    for tried, (family, address) in enumerate(addresses):
        share = (give_up - loop.time()) / (len(addresses) - tried)
        try:
            async with asyncio.timeout(None if share == math.inf else share):
                return await _connect(loop, family, address), address
        except TimeoutError:
            continue
        except OSError as error:
            failure = error
    if failure is None:
        raise TimedOut(f"connecting to {origin.authority} took longer than {timeout:g} s", "connect")
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    raise ConnectFailed(
        f"cannot connect to {origin.host} port {origin.port}: {reason[:1].lower()}{reason[1:]}"
    )


async def _connect(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # Requests are written whole: waiting for more to send (Nagle) would only delay them.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
