"""TLS basics: versions, chain, name, time left, ALPN, and how the server ends. RFC 8446, RFC 9110 §4.3.4.

What a certificate is and how each defect looks: lab 05. Bytes of a handshake: `netlab trace`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import warnings

from netlab.check.asking import Rule, request_bytes
from netlab.check.target import JudgedServer
from netlab.check.verdict import CaseVerdict

_DAYS = 14
OLD = Rule(
    "tls/old-versions", "TLS 1.0 and 1.1", "TLS 1.0 and 1.1 are not negotiated", "RFC 8996 §4", "MUST NOT",
    "a refusal of both", "Old TLS has broken parts: an attacker on the way may force and read it.",
)  # fmt: skip
NEW = Rule(
    "tls/tls-1.3", "TLS 1.3", "TLS 1.3 is spoken", "RFC 8446 §1", "SHOULD", "a handshake with TLS 1.3",
    "Without TLS 1.3 a key that is stolen later may open recorded traffic.",
)  # fmt: skip
CHAIN = Rule(
    "tls/chain", "The certificate chain", "the chain leads to a trusted root and names the host",
    "RFC 9110 §4.3.4", "MUST", "a chain that verifies",
)  # fmt: skip
EXPIRY = Rule(
    "tls/expiry", "The certificate's time", f"the certificate is renewed {_DAYS} days before it ends",
    "RFC 5280 §4.1.2.5", "SHOULD", f"more than {_DAYS} days left",
)  # fmt: skip
ALPN = Rule(
    "tls/alpn", "ALPN", "a server that knows ALPN selects what the client offers, or sends an alert",
    "RFC 7301 §3.2", "SHOULD", "http/1.1, no protocol, or an alert for an unknown one",
    "Cross-protocol attacks: a browser's request is taken to a server of another protocol.",
)  # fmt: skip
NOTIFY = Rule(
    "tls/close-notify", "The end of a TLS connection", "the server sends close_notify before it closes",
    "RFC 9112 §9.8", "MUST", "close_notify, then the close",
    "Truncation: an attacker cuts a response that ends with its connection; the client takes it for whole.",
)  # fmt: skip
RULES = (OLD, NEW, CHAIN, EXPIRY, ALPN, NOTIFY)


async def check_tls(target: JudgedServer) -> list[CaseVerdict]:
    """Every rule of this file; skipped for http."""
    if not target.secure:
        return [rule.skipped("the URL is http") for rule in RULES]
    return [
        await _old_versions(target),
        await _version(target),
        *await _certificate(target),
        await _alpn(target),
        await _close(target),
    ]


async def _handshake(target: JudgedServer, context: ssl.SSLContext) -> ssl.SSLObject:
    """Connect, shake hands, leave; what was negotiated. Raises OSError (ssl.SSLError is one)."""
    async with asyncio.timeout(max(target.timeout, 5.0)):
        _, writer = await asyncio.open_connection(
            target.host, target.port, ssl=context, server_hostname=target.host
        )
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    await asyncio.sleep(0)
    return found


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _old_versions(target: JudgedServer) -> CaseVerdict:
    taken = []
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = _any_certificate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            taken.append((await _handshake(target, context)).version() or "")
        except OSError:
            continue
    return OLD.held(not taken, ", ".join(taken) or "both refused", f"{' and '.join(taken)} accepted")


async def _version(target: JudgedServer) -> CaseVerdict:
    context = _any_certificate()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        return NEW.passed((await _handshake(target, context)).version() or "")
    except OSError as error:
        return NEW.failed(str(error), "TLS 1.3 is refused")


async def _certificate(target: JudgedServer) -> list[CaseVerdict]:
    context = ssl.create_default_context(cafile=target.cacert or None)
    try:
        found = await _handshake(target, context)
    except ssl.SSLCertVerificationError as error:
        why = f"{error.verify_message} (--cacert names a root that you trust)"
        found = await _handshake(target, _any_certificate())
        chain = CHAIN.failed(error.verify_message, why)
    else:
        chain = CHAIN.passed("verified")
    left = (_expiry(found.getpeercert(binary_form=True) or b"") - time.time()) / 86400
    got = f"{left:.0f} days left" if left > 0 else f"expired {-left:.0f} days ago"
    return [chain, EXPIRY.held(left > _DAYS, got, got)]


def _expiry(der: bytes) -> float:
    """When the certificate expires, in seconds since 1970, whether its chain verifies or not."""
    from cryptography import x509  # a judge of plain HTTP does not load it

    return x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()


async def _alpn(target: JudgedServer) -> CaseVerdict:
    context = _any_certificate()
    context.set_alpn_protocols(["http/1.1"])
    selected = (await _handshake(target, context)).selected_alpn_protocol()
    if selected is None:
        return ALPN.passed("ALPN is not used")
    context.set_alpn_protocols(["netlab-no-such-protocol"])
    try:
        await _handshake(target, context)
    except OSError as error:
        return ALPN.passed(f"http/1.1 selected; another: {getattr(error, 'reason', None) or error}")
    return ALPN.failed("http/1.1 selected; another goes on", "no alert for a protocol that it does not speak")


async def _close(target: JudgedServer) -> CaseVerdict:
    """Ask with Connection: close, and see whether the TLS stream ends before the TCP connection does."""
    sent = request_bytes(target, "GET", "Connection: close")
    try:
        notified = await asyncio.to_thread(_ends_with_notify, target, sent)
    except OSError as error:
        return NOTIFY.failed(repr(error), "the connection did not end cleanly", sent)
    return NOTIFY.held(notified, "close_notify" if notified else "TCP ended first", "no close_notify", sent)


def _ends_with_notify(target: JudgedServer, sent: bytes) -> bool:
    """Read the answer to its end on a blocking socket: it is the one that tells the two ends apart."""
    context = _any_certificate()
    with (
        socket.create_connection((target.host, target.port), timeout=max(target.timeout, 5.0)) as raw,
        context.wrap_socket(raw, server_hostname=target.host, suppress_ragged_eofs=False) as tls,
    ):
        tls.sendall(sent)
        try:
            while tls.recv(1 << 16):
                pass
        except ssl.SSLEOFError:
            return False
    return True
