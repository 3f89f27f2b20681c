"""The same capture read by tshark and by the tracer: fields by name, and the decrypted application data."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from netlab.capture import Captured, Chunk, Direction, Endpoint, compose, pcapng
from netlab.tls.tracing.values import Record, Side
from netlab.tls.wire.spans import Span
from tests.tls.conversing import Wire

Values = dict[str, list[str]]
Reading = dict[tuple[int, Side], Values]

FIRST_PORT = 20_000
_WAYS = {Side.CLIENT: Direction.TO_SERVER, Side.SERVER: Direction.TO_CLIENT}


def packets(wire: Wire, port: int) -> list[Captured]:
    """A conversation as packets, from a port of the client's to 443."""
    chunks = [Chunk(_WAYS[side], n / 1000, data) for n, (side, data) in enumerate(wire.sent)]
    return compose(Endpoint("127.0.0.1", port), Endpoint("127.0.0.1", 443), chunks, 1_700_000_000 * 10**9)


def write(path: Path, wires: Sequence[Wire]) -> None:
    """One capture of all conversations, with all their secrets inside."""
    found = [packet for n, wire in enumerate(wires) for packet in packets(wire, FIRST_PORT + n)]
    pcapng.write(path, found, b"".join(wire.log for wire in wires))


def _number(value: str) -> str:
    return str(int(value, 0))


def _text(value: str) -> str:
    return value.replace(":", "").lower()


# tshark's field: how its values are written, and which of our fields they are ("message/…/name").
FIELDS: dict[str, tuple[Callable[[str], str], str]] = {
    "tls.record.content_type": (_number, ""),
    "tls.record.version": (_number, ""),
    "tls.record.length": (_number, ""),
    "tls.alert_message.level": (_number, r"level"),
    "tls.alert_message.desc": (_number, r"description"),
    "tls.handshake.type": (_number, r"[^/]+/msg_type"),
    "tls.handshake.length": (_number, r"[^/]+/length"),
    "tls.handshake.version": (_number,
    r"(client|server)_hello/legacy_version|hello_retry_request/legacy_version"),
    "tls.handshake.random": (_text, r"[^/]+/random"), "tls.handshake.session_id": (_text,
    r"[^/]+/legacy_session_id(_echo)?/legacy_session_id(_echo)?"), "tls.handshake.ciphersuite": (_number,
    r"client_hello/cipher_suites/cipher_suite|[^/]+/cipher_suite"), "tls.handshake.comp_method": (_number,
    r".*/(legacy_)?compression_method"), "tls.handshake.extension.type": (_number, r".*/extension_type"),
    "tls.handshake.extension.len": (_number, r".*/extensions/[^/]+/extension_data/length"),
    "tls.handshake.extensions_server_name": (str, r".*/host_name/host_name"),
    "tls.handshake.extensions_supported_group": (_number, r".*/named_group"),
    "tls.handshake.extensions_ec_point_format": (_number, r".*/ec_point_format"),
    "tls.handshake.extensions.supported_version": (_number, r".*/versions/version|.*/selected_version"),
    "tls.extension.psk_ke_mode": (_number, r".*/psk_key_exchange_mode"),
    "tls.handshake.extensions.psk.identity.identity": (_text, r".*/identity/identity"),
    "tls.handshake.extensions.psk.identity.obfuscated_ticket_age": (_number, r".*/obfuscated_ticket_age"),
    "tls.handshake.extensions.psk.identity.selected": (_number, r".*/selected_identity"),
    "tls.handshake.extensions_key_share_group": (_number, r".*/key_share_entry/group"),
    "tls.handshake.extensions_key_share_key_exchange": (_text,
    r".*/key_share_entry/key_exchange/key_exchange"),
    "tls.handshake.extensions_key_share_selected_group": (_number, r".*/selected_group"),
    "tls.handshake.sig_hash_alg": (_number, r".*/signature_scheme|.*/digitally_signed/algorithm"),
    "tls.handshake.sig": (_text, r"server_key_exchange/digitally_signed/signature/signature"),
    "tls.handshake.client_cert_vrfy.sig": (_text, r"certificate_verify/digitally_signed/signature/signature"),
    "tls.handshake.certificate": (_text, r".*/certificate$"), "tls.handshake.server_named_curve": (_number,
    r".*/named_curve"), "tls.handshake.server_point": (_text, r".*/public/public"),
    "tls.handshake.client_point": (_text, r".*/ecdh_Yc/ecdh_Yc"),
    "tls.handshake.p": (_text, r".*/dh_p/dh_p"),
    "tls.handshake.g": (_text, r".*/dh_g/dh_g"),
    "tls.handshake.ys": (_text, r".*/dh_Ys/dh_Ys"),
    "tls.handshake.yc": (_text, r".*/dh_Yc/dh_Yc"),
    "tls.handshake.epms": (_text, r".*/encrypted_pre_master_secret/encrypted_pre_master_secret"),
    "tls.handshake.session_ticket_lifetime_hint": (_number, r".*/ticket_lifetime(_hint)?"),
    "tls.handshake.session_ticket_age_add": (_number, r".*/ticket_age_add"),
    "tls.handshake.session_ticket_nonce": (_text, r".*/ticket_nonce/ticket_nonce"),
    "tls.handshake.session_ticket": (_text, r"new_session_ticket/ticket/ticket"),
    "tls.handshake.key_update.request_update": (_number, r".*/request_update"),
}  # fmt: skip
_PATTERNS = {field: re.compile(pattern) for field, (_, pattern) in FIELDS.items() if pattern}


def by_tshark(path: Path) -> Reading:
    """Every field of FIELDS, in the order in which tshark meets it, by stream and side."""
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"]
    for field in ("tcp.stream", "tcp.srcport", *FIELDS):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: Reading = defaultdict(lambda: {field: [] for field in FIELDS})
    for line in done.stdout.splitlines():
        stream, port, *values = line.split("|")
        side = Side.SERVER if port == "443" else Side.CLIENT
        for (field, (written, _)), value in zip(FIELDS.items(), values, strict=True):
            found[int(stream), side][field] += [written(each) for each in value.split(",") if each]
    return found


def by_netlab(wires: Sequence[Wire]) -> Reading:
    """The same of the tracer."""
    found: Reading = defaultdict(lambda: {field: [] for field in FIELDS})
    for number, wire in enumerate(wires):
        for record in wire.trace()[1]:
            values = found[number, record.side]
            values["tls.record.content_type"].append(str(record.content_type))
            values["tls.record.version"].append(str(int.from_bytes(record.data[1:3], "big")))
            values["tls.record.length"].append(str(record.length))
            for path, span in _fields(record):
                for field, pattern in _PATTERNS.items():
                    if pattern.fullmatch(path):
                        values[field].append(_value(span))
    return found


def _fields(record: Record) -> Iterator[tuple[str, Span]]:
    """Every span of a record's messages, or of its alert, with its path."""
    if record.content_name == "alert":
        span = record.inner() or record.wire()
        for _, each in span.walk():
            yield each.name, each
    for message in record.messages:
        path: list[str] = []
        for depth, each in message.fields().walk():
            del path[depth:]
            path.append(each.name)
            if depth:
                yield "/".join(path), each


def _value(span: Span) -> str:
    if span.name == "host_name":
        return span.text
    return span.value.hex() if isinstance(span.value, bytes) else str(span.value)


def followed(path: Path, streams: int) -> dict[tuple[int, Side], bytes]:
    """The application data of each stream and side, as tshark decrypts it."""
    command = ["tshark", "-r", str(path), "-q"]
    for number in range(streams):
        command += ["-z", f"follow,tls,raw,{number}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: dict[tuple[int, Side], bytes] = defaultdict(bytes)
    for block in done.stdout.split("Follow: tls,raw\n")[1:]:
        stream = int(re.search(r"tcp\.stream eq (\d+)", block)[1])  # type: ignore[index]
        first = Side.SERVER if ":443\n" in block.partition("Node 1")[0] else Side.CLIENT
        for line in block.splitlines()[3:]:
            if re.fullmatch(r"\t?[0-9a-f]+", line):
                side = first.other if line.startswith("\t") else first
                found[stream, side] += bytes.fromhex(line)
    return found
