"""The certificates that a server sent, one line each, and which link of the chain broke. RFC 5280 §6.

Asked for only after a handshake was refused: a second connection takes the chain without verifying it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from netlab.client.dialing import dial, resolve
from netlab.client.hosts import without_zone
from netlab.client.url import Origin

# Seconds for the second connection: it only explains.
_TIMEOUT = 5.0

# Seconds for a handshake that only asks whether the port speaks TLS: an http server may wait for more.
_PROBE_TIMEOUT = 1.0


async def chain_of(host: str, port: int, address: str | None = None) -> list[x509.Certificate]:
    """The certificates that the server sends, its own first; empty if they cannot be had.

    address: connect there, in place of looking the host up.
    """
    try:
        return await asyncio.to_thread(_take_chain, await _dial(host, port, address), _server_name(host))
    except Exception:
        return []  # the error that is being explained is told anyway


async def speaks_tls(host: str, port: int, address: str | None = None) -> bool:
    """Does the server answer a ClientHello on this port? A connection of its own finds out."""
    try:
        sock = await _dial(host, port, address)
        await asyncio.to_thread(_shake_hands, sock, _server_name(host))
    except ssl.SSLError as error:
        # An alert is TLS, too: the server wants a client certificate, or another name.
        return "ALERT" in (error.reason or "")
    except Exception:
        return False
    return True


async def _dial(host: str, port: int, address: str | None) -> socket.socket:
    loop, origin = asyncio.get_running_loop(), Origin("https", address or host, port)
    sock, _ = await dial(loop, origin, await resolve(loop, origin, _TIMEOUT), _TIMEOUT)
    sock.setblocking(True)
    return sock


def _server_name(host: str) -> str:
    return without_zone(host).removesuffix(".")


def _take_chain(sock: socket.socket, name: str) -> list[x509.Certificate]:
    sock.settimeout(_TIMEOUT)
    with sock, _any_certificate().wrap_socket(sock, server_hostname=name) as secure:
        return [x509.load_der_x509_certificate(der) for der in _ders(secure)]


def _shake_hands(sock: socket.socket, name: str) -> None:
    sock.settimeout(_PROBE_TIMEOUT)
    with sock, _any_certificate().wrap_socket(sock, server_hostname=name):
        pass


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _ders(secure: ssl.SSLSocket) -> list[bytes]:
    """The chain as DER. Python has a public way from 3.13 on; before that, the object inside has it."""
    public = getattr(secure, "get_unverified_chain", None)
    if public is not None:
        return [bytes(each) for each in public()]
    inner: Any = getattr(secure, "_sslobj", None)
    found = inner.get_unverified_chain() if hasattr(inner, "get_unverified_chain") else None
    if found:
        return [each.public_bytes(ssl._ssl.ENCODING_DER) for each in found]  # type: ignore[attr-defined]
    own = secure.getpeercert(binary_form=True)
    return [own] if own else []


def chain_lines(
    chain: list[x509.Certificate], host: str, said: str, now: datetime | None = None
) -> Iterator[str]:
    """The chain as text, the broken link marked. said: what OpenSSL said."""
    now = now or datetime.now(UTC)
    yield "the chain that the server sent, its own certificate first:"
    faults = [_fault(chain, index, host, now) for index in range(len(chain))]
    if not any(faults) and chain:
        faults[-1] = said
    for index, (certificate, fault) in enumerate(zip(chain, faults, strict=True)):
        mark = f"   <-- broken here: {fault}" if fault else ""
        yield f"  {index}  {_name(certificate.subject)}{mark}"
        days = f"{_day(certificate, 'before')} to {_day(certificate, 'after')}"
        yield f"     issued by {_name(certificate.issuer)}, valid {days}"


def _fault(chain: list[x509.Certificate], index: int, host: str, now: datetime) -> str:
    """What is wrong with this certificate, or with its link to the next; empty if nothing is seen."""
    certificate = chain[index]
    if now < certificate.not_valid_before_utc:
        return "not valid yet: is this machine's clock right?"
    if now > certificate.not_valid_after_utc:
        return "it has expired"
    if index == 0 and (names := _names(certificate)) is not None and not _covers(names, host):
        return f"it is for {', '.join(names) or 'no name'}, not for {host}"
    if index + 1 < len(chain):
        try:
            certificate.verify_directly_issued_by(chain[index + 1])
        except (ValueError, TypeError):
            return "the next certificate is not its issuer's"
        except InvalidSignature:
            return "its signature is not by the next certificate's key"
        return ""
    if certificate.subject == certificate.issuer:
        return "it signs itself, and this machine does not trust it"
    return f"its issuer, {_name(certificate.issuer)}, was not sent and is not trusted here"


def _names(certificate: x509.Certificate) -> list[str] | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except ValueError:
        return None
    return [
        str(name) for kind in (x509.DNSName, x509.IPAddress) for name in extension.get_values_for_type(kind)
    ]


def _covers(names: list[str], host: str) -> bool:
    """RFC 9525 §6.3: a wildcard stands for one label, the first one."""
    host = without_zone(host).removesuffix(".").lower()
    rest = host.partition(".")[2]
    return any(name.lower() == host or (rest and name.lower() == f"*.{rest}") for name in names)


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string() or "(no name)"
    return text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text


def _day(certificate: x509.Certificate, which: str) -> str:
    moment: datetime = getattr(certificate, f"not_valid_{which}_utc")
    return moment.date().isoformat()
