"""HTTP proxies: which one a request goes through, and the tunnel that https needs. RFC 9110 §7.3.2, §9.3.6.

    http    the whole URL is the request target (absolute-form, RFC 9112 §3.2.2), sent to the proxy
    https   CONNECT host:port makes a tunnel; TLS runs through it, from us to the server

A proxy is used when `proxy=` names it. The environment (HTTPS_PROXY, NO_PROXY …) is asked only if
`trust_env=True`: a variable that another program set must not move a client's traffic unseen.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import lru_cache
from urllib.parse import unquote
from urllib.request import getproxies_environment

from netlab.client.authentication import basic
from netlab.client.errors import InvalidURL, ProxyRefused, TimedOut
from netlab.client.hosts import is_address, without_zone
from netlab.client.url import URL, Origin, Proxy, parse_url
from netlab.http1.errors import ProtocolError
from netlab.http1.limits import Limits
from netlab.http1.messages import ResponseHead
from netlab.http1.responses import ResponseParser
from netlab.http1.serializer import request_head


@lru_cache(maxsize=64)
def parse_proxy(text: str) -> Proxy:
    """A proxy from its URL, which may have a user name and a password. Raises InvalidURL."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    userinfo, at, place = rest.rpartition("@")
    url = parse_url(f"{scheme}://{place}")
    if url.target != "/":
        raise InvalidURL(f"proxy {scheme}://{place}: a proxy has no path: give http://host:port")
    if not at:
        return Proxy(url.origin, None)
    user, _, password = userinfo.partition(":")
    return Proxy(url.origin, basic(unquote(user), unquote(password)))


def proxy_from_environment(url: URL) -> Proxy | None:
    """The proxy that the environment names for this URL, or None."""
    named = getproxies_environment()
    if _is_exempt(url.origin, named.get("no", "")):
        return None
    text = named.get(url.origin.scheme) or named.get("all")
    return None if not text else parse_proxy(text)


def _is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Does NO_PROXY name this origin? "*" is every host.

    A list of names (with all below them), addresses and networks such as 10.0.0.0/8. Each may have a port.
    """
    return any(_names(entry.strip().lower(), origin) for entry in no_proxy.split(","))


def _names(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    host, port = _split_port(entry)
    if not host or port not in ("", str(origin.port)):
        return False
    if is_address(origin.host):
        try:
            network = ipaddress.ip_network(host, strict=False)
        except ValueError:
            return False  # a name, or no network
        return ipaddress.ip_address(without_zone(origin.host)) in network
    name = host.removeprefix("*").lstrip(".")
    return bool(name) and (origin.host == name or origin.host.endswith("." + name))


def _split_port(entry: str) -> tuple[str, str]:
    """Host and port of an entry, "" without a port. An IPv6 address has brackets if a port follows."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") > 1:
        return entry, ""
    host, _, port = entry.partition(":")
    return host, port


async def open_tunnel(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    origin: Origin,
    proxy: Proxy,
    limits: Limits,
    timeout: float,
) -> None:
    """Ask the proxy behind this socket for a tunnel to an origin. timeout: seconds.

    Raises ProxyRefused with the proxy's status, TimedOut.
    """
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}"
    lines = [("Host", target)]
    if proxy.authorization is not None:
        lines.append(("Proxy-Authorization", proxy.authorization))
    where = f"the proxy {proxy.origin.authority}"
    try:
        async with asyncio.timeout(timeout if timeout < float("inf") else None):
            await loop.sock_sendall(sock, request_head("CONNECT", target, lines))
            head = await _read_head(loop, sock, limits, where)
    except TimeoutError:
        raise TimedOut(f"{where} made no tunnel to {target} for {timeout:g} s", "connect") from None
    except OSError as error:
        raise ProxyRefused(
            f"{where} broke before the tunnel to {target} was made: {error.strerror}"
        ) from None
    if not 200 <= head.status < 300:
        repair = (
            ": it wants a name and a password, http://NAME:PASSWORD@host:port" if head.status == 407 else ""
        )
        raise ProxyRefused(
            f"{where} made no tunnel to {target}: {head.status} {head.reason}{repair}", head.status
        )


async def _read_head(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, limits: Limits, where: str
) -> ResponseHead:
    parser = ResponseParser(limits)
    parser.expect("CONNECT")
    while True:
        # Byte after byte would be safest. But behind the head nothing may come: TLS servers wait for us.
        data = await loop.sock_recv(sock, 16 * 1024)
        if not data:
            raise ProxyRefused(f"{where} closed the connection before it made a tunnel")
        parser.feed(data)
        try:
            head = parser.next_event()
            while isinstance(head, ResponseHead) and head.interim:
                head = parser.next_event()
        except ProtocolError as error:
            raise ProxyRefused(f"{where} sent a bad response: {error}") from None
        if isinstance(head, ResponseHead):
            if 200 <= head.status < 300 and parser.buffered:
                raise ProxyRefused(f"{where} sent bytes before the tunnel was used")
            return head
