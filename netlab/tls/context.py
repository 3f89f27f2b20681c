"""The two TLS contexts, hardened, with the reason of every setting beside it.

A context is built in three steps: look at everything the caller gave and collect *all* mistakes; apply
the settings; load the files. What can go wrong ends as one `ConfigurationError`, never as a bare
`[SSL] PEM lib`. No certificate is made here (see `authority`) and no socket is opened.
Standards: RFC 8446 (TLS 1.3), RFC 9325 (how to use TLS safely), RFC 9525 (names in certificates).
"""

from __future__ import annotations

import enum
import os
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from netlab.tls import groups

StrPath = str | os.PathLike[str]

# RFC 9325 §4.2: in TLS 1.2 only an ephemeral key agreement (forward secrecy) and an AEAD cipher.
# Level 2: no RSA key under 2048 bits and no SHA-1 signature (SSL_CTX_set_security_level(3)).
# TLS 1.3 suites are not named here: all of them are of this kind, and Python cannot change them.
CIPHERS = "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20"

# OpenSSL's own default. A client that opens several connections at once needs a ticket for each:
# RFC 8446 §C.4 advises against using one twice.
TICKETS = 2


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a configuration: the value, why it will not do, and how to mend it."""

    value: str
    reason: str
    repair: str

    def __str__(self) -> str:
        return f"{self.value}: {self.reason} ({self.repair})"


class ConfigurationError(ValueError):
    """All mistakes of a TLS configuration at once, as one line.

    Attributes:
        mistakes: each one on its own, in the order of the arguments.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(str(mistake) for mistake in self.mistakes))


class Verify(enum.Enum):
    """What a client checks about the server."""

    CHAIN_AND_NAME = "chain and name"
    NOTHING = "nothing"  # encrypted, but to anyone at all: for `fetch --insecure` and for the labs


class ServerContext(ssl.SSLContext):
    """A server's context that knows how it was made. Made by `server_context`.

    Attributes:
        protocols: the application protocols (ALPN) that it selects from; none: it selects no protocol.
    """

    protocols: tuple[bytes, ...] = ()
    _files: tuple[StrPath, StrPath]  # certificate and key
    _kind: str  # of the key
    _make_anew: Callable[[], ServerContext]

    def remade(self) -> ServerContext:
        """A new context with the same settings: the files as they are now, new keys for session tickets.

        What was changed on this context since it was made is not in the new one. Raises ConfigurationError.
        """
        return self._make_anew()

    def reload(self) -> None:
        """Load certificate and key again, for the connections that come from now on.

        Everything else stays: session tickets are good as before. Raises ConfigurationError when the files
        cannot be used; the old certificate then stays.
        """
        # Tried on another context first: a failed load leaves the new certificate beside the old key.
        kind = self.remade()._kind
        if kind != self._kind:
            # A context has a place for each kind, and would go on showing the old one to some clients.
            reason = f"the new key is of another kind ({kind}, before it {self._kind})"
            raise ConfigurationError([Mistake(os.fspath(self._files[1]), reason, "restart the server")])
        if refused := _load_chain(self, *self._files):
            raise ConfigurationError([refused])


def server_context(
    certificate: StrPath,
    key: StrPath,
    *,
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    maximum: ssl.TLSVersion | None = None,
    alpn: Sequence[str] = ("http/1.1", "http/1.0"),
    ciphers: str | None = None,
    tickets: int = TICKETS,
    keylog: StrPath | None = None,
    client_ca: StrPath | None = None,
) -> ServerContext:
    """A server's context.

    Key agreement is restricted to `groups.GROUPS`, before Python 3.15 only where `groups.restrict_groups` was
    called before ssl was imported: `python -m netlab` does that.

    Args:
        certificate: PEM file, the server's own certificate first, then its intermediates; the root is
            left out, since a client must have it already (RFC 8446 §4.4.2).
        key: PEM file with the private key of the first certificate, not encrypted.
        minimum: the oldest version spoken; RFC 8996 forbids anything before TLS 1.2.
        maximum: the newest version spoken; None: the newest that OpenSSL knows.
        alpn: protocol names in order of preference (RFC 7301); empty: no ALPN. A client that offers names of
            which none is here gets a fatal alert from `Server`.
        ciphers: an OpenSSL cipher string for TLS 1.2 in place of `CIPHERS`.
        tickets: session tickets a handshake hands out for resumption; 0: no resumption by ticket.
        keylog: append each connection's secrets to this file (RFC 9850), for Wireshark. They open the
            traffic, so the file is made for its owner alone (mode 0600).
        client_ca: PEM file with roots: each client must show a certificate below one of them (RFC 8446
            §4.3.2), or is refused; None: no client is asked for one.

    Raises:
        ConfigurationError: every mistake found, each with its repair.
    """
    settings = _Settings(minimum, maximum, alpn, ciphers, keylog)
    mistakes = [
        *_file_mistakes(certificate, PEM.CERTIFICATE),
        *_file_mistakes(key, PEM.PRIVATE_KEY),
        *(_file_mistakes(client_ca, PEM.CERTIFICATE) if client_ca else ()),
        *settings.mistakes(),
        *_tickets_mistakes(tickets),
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    # Before the chain: the security level of the ciphers decides whether the chain may be loaded at all.
    settings.apply(context)
    if refused := _load_chain(context, certificate, key):
        raise ConfigurationError([refused])
    if client_ca is not None:
        if refused := _load_trust(context, client_ca, PEM.CERTIFICATE):
            raise ConfigurationError([refused])
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # RFC 5280 to the letter, as for a client

    # The server's order decides: it knows which cipher its processor does in hardware.
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    # A client that renegotiates makes the server sign again and again (CVE-2011-1473); TLS 1.3 dropped it.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A client that ends with a bare FIN behind a whole request still gets its answer: OpenSSL would otherwise
    # break the connection. Truncation does not get by: every request says where it ends (RFC 9112 §9.8).
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    context.num_tickets = tickets  # TLS 1.3 (RFC 8446 §4.6.1)
    if tickets == 0:
        context.options |= ssl.OP_NO_TICKET  # TLS 1.2 (RFC 5077)
    context.protocols = tuple(name.encode() for name in alpn)
    context._files, context._kind = (certificate, key), _key_kind(certificate)
    context._make_anew = lambda: server_context(
        certificate, key, minimum=minimum, maximum=maximum, alpn=alpn, ciphers=ciphers, tickets=tickets,
        keylog=keylog, client_ca=client_ca,
    )  # fmt: skip
    return context


def client_context(
    ca: StrPath | None = None,
    *,
    verify: Verify = Verify.CHAIN_AND_NAME,
    crls: Sequence[StrPath] = (),
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    maximum: ssl.TLSVersion | None = None,
    alpn: Sequence[str] = ("http/1.1",),
    ciphers: str | None = None,
    keylog: StrPath | None = None,
) -> ssl.SSLContext:
    """A client's context.

    Args:
        ca: PEM file with the root certificates to trust, and no others; None: those of the system.
        verify: what is checked about the server.
        crls: PEM files with revocation lists (RFC 5280 §5). With at least one, a server whose issuer has
            no current list among them is refused; with none, revocation is not checked.
        minimum, maximum, alpn, ciphers, keylog: as for `server_context`.

    Raises:
        ConfigurationError: every mistake found, each with its repair.
    """
    settings = _Settings(minimum, maximum, alpn, ciphers, keylog)
    trusted = [] if ca is None else [(ca, PEM.CERTIFICATE)]
    trusted += [(crl, PEM.CRL) for crl in crls]
    mistakes = [mistake for path, kind in trusted for mistake in _file_mistakes(path, kind)]
    mistakes += settings.mistakes()
    if mistakes:
        raise ConfigurationError(mistakes)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.apply(context)
    if refused := [mistake for path, kind in trusted if (mistake := _load_trust(context, path, kind))]:
        raise ConfigurationError(refused)

    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    # RFC 5280 to the letter. Python asks for it by itself from 3.13 on.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    # RFC 9525 §2: the name is in subjectAltName. Python would fall back to the subject's common name.
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    if crls:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if verify is Verify.NOTHING:
        context.check_hostname = False  # goes first: ssl refuses a name check without a chain check
        context.verify_mode = ssl.CERT_NONE
    return context


# -- the settings that both sides share -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Settings:
    minimum: ssl.TLSVersion
    maximum: ssl.TLSVersion | None
    alpn: Sequence[str]
    ciphers: str | None
    keylog: StrPath | None

    def mistakes(self) -> Iterator[Mistake]:
        if self.minimum < ssl.TLSVersion.TLSv1_2:
            yield Mistake(f"minimum={self.minimum.name}", "RFC 8996 forbids it", "take TLSv1_2 or TLSv1_3")
        if self.maximum is not None and self.maximum < self.minimum:
            reason = f"older than the minimum, {self.minimum.name}: no version is left"
            yield Mistake(f"maximum={self.maximum.name}", reason, "raise it or leave it out")
        yield from self._alpn_mistakes()
        if self.ciphers is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(self.ciphers)
            except ssl.SSLError:
                repair = "`openssl ciphers -v ALL` lists them"
                yield Mistake(f"ciphers={self.ciphers!r}", "OpenSSL knows no such cipher", repair)
        if self.keylog is not None:
            try:
                # OpenSSL would let everyone read it; so the file is made here first, for its owner alone.
                os.close(os.open(self.keylog, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
            except OSError as error:
                reason = f"no key log can be written there: {error.strerror}"
                yield Mistake(os.fspath(self.keylog), reason, "name a file that you may write")

    def _alpn_mistakes(self) -> Iterator[Mistake]:
        if isinstance(self.alpn, str):
            # A string would be taken for a list of one-letter protocols.
            yield Mistake(f"alpn={self.alpn!r}", "a string, not a list of names", f"write [{self.alpn!r}]")
            return
        for name in self.alpn:
            if not (name.isascii() and 1 <= len(name) <= 255):
                reason = "a protocol name has 1 to 255 octets, ASCII here (RFC 7301 §3.1)"
                yield Mistake(f"alpn {name!r}", reason, "take one such as 'http/1.1'")

    def apply(self, context: ssl.SSLContext) -> None:
        context.set_ciphers(CIPHERS if self.ciphers is None else self.ciphers)
        context.minimum_version = self.minimum
        context.maximum_version = self.maximum or ssl.TLSVersion.MAXIMUM_SUPPORTED
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))
        groups.apply(context)
        # Compressing before encrypting betrays what was encrypted (CRIME, CVE-2012-4929).
        context.options |= ssl.OP_NO_COMPRESSION
        if self.keylog is not None:
            context.keylog_filename = os.fspath(self.keylog)


def _tickets_mistakes(tickets: int) -> Iterator[Mistake]:
    # Each ticket is a message of about 250 octets, and an encryption, after every handshake.
    if not 0 <= tickets <= 16:
        yield Mistake(f"tickets={tickets}", "not between 0 and 16", "0 turns them off, 2 is usual")


# -- files: look first, then load -------------------------------------------------------------------


class PEM(enum.Enum):
    """What a file must hold: a name for the message, and the line that says so (RFC 7468)."""

    CERTIFICATE = ("certificate", r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
    PRIVATE_KEY = ("private key", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
    CRL = ("revocation list", r"-----BEGIN X509 CRL-----")

    def __init__(self, label: str, pattern: str) -> None:
        self.label = label
        self.pattern = re.compile(pattern)


_ENCRYPTED = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
_MINT = "make one with `python -m netlab certs`"


def _file_mistakes(path: StrPath, kind: PEM) -> Iterator[Mistake]:
    """What is wrong with a file before OpenSSL sees it, since OpenSSL does not say which file it means."""
    name = os.fspath(path)
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        yield Mistake(name, f"no such {kind.label} file", _MINT)
    except IsADirectoryError:
        yield Mistake(name, f"a folder, not a {kind.label} file", "name the file inside it")
    except PermissionError:
        yield Mistake(name, f"you may not read this {kind.label}", f"look at `ls -l {name}`")
    except OSError as error:
        yield Mistake(name, f"cannot be read: {error.strerror}", _MINT)
    else:
        if kind is PEM.PRIVATE_KEY and _ENCRYPTED.search(text):
            # Without this, OpenSSL would stop and ask for a passphrase on the terminal.
            repair = f"decrypt it with `openssl pkey -in {name} -out plain.key`"
            yield Mistake(name, "the private key is encrypted, and a server cannot type a passphrase", repair)
        elif not kind.pattern.search(text):
            other = next((k for k in PEM if k.pattern.search(text)), None)
            found = f"a {other.label}" if other else "no PEM block"
            repair = "are the two files swapped?" if other else _MINT
            yield Mistake(name, f"holds {found}, not a {kind.label}", repair)


_STRANGERS = (
    "this key does not belong to the first certificate of {certificate}",
    "the server's own certificate comes first, and it and its key are minted together",
)
# What OpenSSL says when it refuses a chain: the reason in words, and the repair.
_REFUSALS = {
    "KEY_VALUES_MISMATCH": _STRANGERS,
    "NO_CERTIFICATE_ASSIGNED": _STRANGERS,  # an RSA key beside a certificate for an elliptic curve
    "EE_KEY_TOO_SMALL": ("the certificate's key is too weak", "take P-256, or RSA of at least 2048 bits"),
    "CA_KEY_TOO_SMALL": ("an issuer's key is too weak", "take P-256, or RSA of at least 2048 bits"),
    "CA_MD_TOO_WEAK": ("a signature in the chain uses a broken hash", "sign again with SHA-256"),
}
_BLAME_THE_CHAIN = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")


# The object identifier that a certificate has for its key alone, as DER (RFC 3279 §2.3, RFC 8410 §3).
_KEY_KINDS = {
    "RSA": bytes.fromhex("06092a864886f70d010101"),
    "an elliptic curve": bytes.fromhex("06072a8648ce3d0201"),
    "Edwards curve": bytes.fromhex("06032b65"),
}


def _key_kind(certificate: StrPath) -> str:
    """The kind of the key in the first certificate of a file."""
    with open(certificate, encoding="ascii", errors="replace") as file:
        _, begin, rest = file.read().partition("-----BEGIN CERTIFICATE-----")
    body, end, _ = rest.partition("-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(begin + body + end) if end else b""
    return next((kind for kind, oid in _KEY_KINDS.items() if oid in der), "unknown")


def _refuse_passphrase() -> NoReturn:
    raise ValueError("the key is encrypted")


def _load_chain(context: ssl.SSLContext, certificate: StrPath, key: StrPath) -> Mistake | None:
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        code = getattr(error, "reason", None) or str(error)
        default = (f"OpenSSL cannot load it with {{certificate}} ({code})", _MINT)
        reason, repair = _REFUSALS.get(code, default)
        blamed = certificate if code in _BLAME_THE_CHAIN else key
        return Mistake(os.fspath(blamed), reason.format(certificate=os.fspath(certificate)), repair)
    return None


def _load_trust(context: ssl.SSLContext, path: StrPath, kind: PEM) -> Mistake | None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        code = getattr(error, "reason", None) or error
        return Mistake(os.fspath(path), f"OpenSSL cannot load this {kind.label} ({code})", _MINT)
    return None
