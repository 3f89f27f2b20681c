"""From a host name to a connected TCP socket: name look-up, then address after address. RFC 6724, RFC 6761.

Happy Eyeballs (RFC 8305): the addresses race, each begun a quarter of a second after the one before it or
as soon as that has failed; IPv6 and IPv4 take turns. So one dead address costs a quarter of a second, not a
timeout. The C library's resolver answers for both families at once: there is no race of look-ups (§3).
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import socket
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from netlab.client.errors import ConnectFailed, TimedOut, UnknownHost
from netlab.client.hosts import is_loopback_name
from netlab.client.url import Origin

# An address as `socket` wants it: family and sockaddr.
Address = tuple[int, Any]

# RFC 8305 §8: the recommended delay between two attempts, in seconds.
STAGGER = 0.25

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


def interleave(addresses: list[Address]) -> list[Address]:
    """Addresses in the order to try them: the families take turns, the resolver's first one first. §4"""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    others = [each for each in addresses if each[0] != addresses[0][0]]
    order: list[Address] = []
    for pair in zip_longest(first, others):
        order += [each for each in pair if each is not None]
    return order


async def dial(
    loop: asyncio.AbstractEventLoop,
    origin: Origin,
    addresses: list[Address],
    timeout: float,
    stagger: float = STAGGER,
) -> tuple[socket.socket, Any]:
    """A connected, non-blocking socket, and the address that answered. timeout: seconds for all of them.

    Raises ConnectFailed with the last address's reason, TimedOut.
    """
    try:
        async with asyncio.timeout(None if timeout == math.inf else timeout):
            if len(addresses) == 1:
                family, address = addresses[0]
                return await _connect(loop, family, address), address
            return await _race(loop, interleave(addresses), stagger)
    except TimeoutError as error:
        if error.errno is None:
            late = f"connecting to {origin.authority} took longer than {timeout:g} s"
            raise TimedOut(late, "connect") from None
        failure: OSError = error  # ETIMEDOUT: the kernel gave up
    except OSError as error:
        failure = error
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    raise ConnectFailed(
        f"cannot connect to {origin.host} port {origin.port}: {reason[:1].lower()}{reason[1:]}"
    )


async def _race(
    loop: asyncio.AbstractEventLoop, addresses: list[Address], stagger: float
) -> tuple[socket.socket, Any]:
    """The first connection that is made. A next attempt begins when one fails, or `stagger` s have passed."""
    attempts: dict[asyncio.Task[socket.socket], Any] = {}
    waiting = list(reversed(addresses))
    failure: OSError = OSError("no address")
    try:
        while waiting or attempts:
            if waiting:
                family, address = waiting.pop()
                attempts[loop.create_task(_connect(loop, family, address))] = address
            done, _ = await asyncio.wait(
                attempts, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = attempts.pop(task)
                error = task.exception()
                if error is None:
                    return task.result(), address
                failure = error if isinstance(error, OSError) else OSError(str(error))
        raise failure
    finally:
        await _cancel(attempts)


async def _cancel(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that lost the race, and close what they have opened."""
    losers = list(attempts)
    for task in losers:
        task.cancel()
    if losers:
        await asyncio.wait(losers)
    for task in losers:
        if not task.cancelled() and task.exception() is None:
            task.result().close()


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
