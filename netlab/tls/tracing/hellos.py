"""What the two hellos settle, taken from their fields: versions, suites, shares, and the switches of TLS 1.2.

Read once per handshake, from the spans of `netlab.tls.handshake`: one decoder serves the page and the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netlab.tls.wire.spans import Span
from netlab.tls.wire.suites import Suite, suite


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What a ClientHello offers. ticket: of TLS 1.2; identities: the tickets of TLS 1.3."""

    random: bytes
    session_id: bytes = b""
    suites: tuple[int, ...] = ()
    offers_tls13: bool = False
    early_data: bool = False
    identities: tuple[bytes, ...] = ()
    shares: dict[int, bytes] = field(default_factory=dict)
    ticket: bytes = b""
    server_name: str = ""
    protocols: tuple[str, ...] = ()
    version: int = 0

    @property
    def tls13_suites(self) -> list[Suite]:
        """The suites of TLS 1.3 that are offered and that netlab can open."""
        found = (suite(value) for value in self.suites)
        return [each for each in found if each is not None and each.tls13]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a ServerHello chooses. identity: the index of the PSK it took, or None."""

    version: int
    random: bytes
    session_id: bytes
    suite: int
    extended_master_secret: bool = False
    encrypt_then_mac: bool = False
    group: int = 0
    share: bytes = b""
    identity: int | None = None
    compression: int = 0


def _extension(hello: Span, name: str) -> Span | None:
    return hello.get("extensions", name, "extension_data")


def _values(span: Span | None, name: str) -> list[Span]:
    return [child for child in span.children if child.name == name] if span else []


def client_facts(hello: Span) -> ClientFacts:
    """Read the fields of a ClientHello; what a damaged one lacks is empty."""
    versions = hello.get("extensions", "supported_versions", "extension_data", "versions")
    offered = [item.value for item in _values(versions, "version")]
    shares = {}
    list_of_shares = hello.get("extensions", "key_share", "extension_data", "client_shares")
    for entry in _values(list_of_shares, "key_share_entry"):
        shares[entry.number("group")] = entry.octets("key_exchange")
    identities = hello.get("extensions", "pre_shared_key", "extension_data", "identities")
    names = hello.get("extensions", "server_name", "extension_data", "server_name_list", "host_name")
    protocols = hello.get(
        "extensions", "application_layer_protocol_negotiation", "extension_data", "protocol_name_list"
    )
    return ClientFacts(
        random=hello.octets("random"),
        session_id=hello.octets("legacy_session_id"),
        suites=tuple(
            item.value
            for item in _values(hello.get("cipher_suites"), "cipher_suite")
            if isinstance(item.value, int)
        ),
        offers_tls13=any(isinstance(v, int) and (v == 0x0304 or v >> 8 == 0x7F) for v in offered),
        early_data=_extension(hello, "early_data") is not None,
        identities=tuple(item.octets("identity") for item in _values(identities, "psk_identity")),
        shares=shares,
        ticket=hello.octets("extensions", "session_ticket", "extension_data", "ticket"),
        server_name=names.text if names else "",
        protocols=tuple(item.text for item in _values(protocols, "protocol_name")),
        version=hello.number("legacy_version"),
    )


def server_facts(hello: Span) -> ServerFacts:
    """Read the fields of a ServerHello."""
    share = hello.get("extensions", "key_share", "extension_data", "key_share_entry")
    selected = hello.get("extensions", "supported_versions", "extension_data", "selected_version")
    version = (
        selected.value if selected and isinstance(selected.value, int) else hello.number("legacy_version")
    )
    identity = hello.get("extensions", "pre_shared_key", "extension_data", "selected_identity")
    return ServerFacts(
        # A draft of TLS 1.3 is read as TLS 1.3: the last drafts differ from the RFC in their number only.
        version=0x0304 if version >> 8 == 0x7F else version,
        random=hello.octets("random"),
        session_id=hello.octets("legacy_session_id_echo"),
        suite=hello.number("cipher_suite"),
        extended_master_secret=_extension(hello, "extended_master_secret") is not None,
        encrypt_then_mac=_extension(hello, "encrypt_then_mac") is not None,
        group=share.number("group") if share else 0,
        share=share.octets("key_exchange") if share else b"",
        identity=identity.value if identity and isinstance(identity.value, int) else None,
        compression=hello.number("legacy_compression_method"),
    )
