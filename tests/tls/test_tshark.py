"""tshark and the tracer read one capture with the same keys: the same fields, the same plaintext.

The matrix: TLS 1.2 by Python's ssl (every suite in every mode, full and resumed), TLS 1.3 and what Python
can't do by `openssl s_server` and `openssl s_client`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.tls.tracing.values import Side
from tests.tls import peers
from tests.tls.against_tshark import FIELDS, by_netlab, by_tshark, followed, write
from tests.tls.conversing import Wire, contexts, converse
from tests.tls.test_tracer import ECDHE_SUITES, MODES, RSA_SUITES, opens

TLS13_SUITES = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
]  # fmt: skip
DHE_SUITES = [
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-SHA256",
    "DHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-SHA",
]


def by_python() -> Iterator[Wire]:
    """TLS 1.2, every suite in every mode; each second one resumes the one before."""
    for suite in RSA_SUITES + ECDHE_SUITES:
        for options in list(MODES.values())[: 2 if "GCM" in suite or "CHACHA" in suite else 4]:
            client, server = contexts(ssl.TLSVersion.TLSv1_2, f"{suite}:@SECLEVEL=0", options)
            wire = converse(client, server)
            yield wire
            if not options:
                yield converse(client, server, wire.session)


def few() -> Iterator[Wire]:
    """One of each kind that Python's ssl can do."""
    client, server = contexts()
    wire = converse(client, server)
    yield wire
    yield converse(client, server, wire.session)
    client, server = contexts()
    server.set_ecdh_curve("secp384r1")
    yield converse(client, server)
    for suite in ("AES128-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"):
        client, server = contexts(ssl.TLSVersion.TLSv1_2, suite)
        wire = converse(client, server)
        yield wire
        yield converse(client, server, wire.session)


def by_openssl(folder: Path) -> Iterator[Wire]:
    """TLS 1.3 by suite and by mode; DHE, PSK and renegotiation of TLS 1.2."""

    def one(server: str = "", client: str = "", script: tuple[bytes, ...] = ()) -> Wire:
        with peers.server(folder, *server.split()) as port:
            return peers.client(folder, port, *client.split(), script=script)

    def resumed(server: str = "", client: str = "") -> Iterator[Wire]:
        saved = str(folder / "session.pem")
        with peers.server(folder, *server.split()) as port:
            yield peers.client(folder, port, *client.split(), "-sess_out", saved)
            yield peers.client(folder, port, *client.split(), "-sess_in", saved)

    for suite in TLS13_SUITES:
        suites = f"-tls1_3 -ciphersuites {suite}"
        yield from resumed(suites, suites)
        yield one(f"{suites} -groups P-384", suites)
        yield one(suites, suites, (b"K\n",))
        yield one(f"{suites} -record_padding 300", f"{suites} -record_padding 512")
    yield one("-max_send_frag 512", "-max_send_frag 512")
    yield one("-Verify 1", f"-cert {folder / 'identity.pem'}")
    yield one("-Verify 1 -tls1_2", f"-cert {folder / 'identity.pem'}")
    yield one("-tls1_2 -client_renegotiation", "-tls1_2", (b"R\n",))
    yield from resumed("-tls1_2 -no_ticket", "-tls1_2 -no_ticket")
    for suite in DHE_SUITES:
        yield one("-tls1_2", f"-tls1_2 -cipher {suite}")
    yield from early_data(folder)


def early_data(folder: Path) -> Iterator[Wire]:
    """0-RTT taken, and 0-RTT refused."""
    saved, early = folder / "session.pem", folder / "early.txt"
    early.write_bytes(b"early bird\n")
    for taken in (["-early_data"], []):
        with peers.server(folder, "-max_early_data", "16384", *taken, reverse=False) as port:
            yield peers.client(folder, port, "-sess_out", str(saved), reverse=False)
            options = ["-sess_in", str(saved), "-early_data", str(early)]
            wire = peers.client(folder, port, *options, reverse=False)
            wire.said[Side.CLIENT] = b"early bird\n" + wire.said[Side.CLIENT]
            yield wire


def same_reading(folder: Path, wires: list[Wire]) -> None:
    """Assert that tshark says the same of each field, and decrypts the same bytes."""
    peers.needs("tshark")
    path = folder / "matrix.pcapng"
    write(path, wires)
    theirs, ours = by_tshark(path), by_netlab(wires)
    told = 0
    for key, values in ours.items():
        for field in FIELDS:
            assert values[field] == theirs[key][field], f"stream {key}: {field}"
            told += len(values[field])
    assert told > 50 * len(wires)
    data = followed(path, len(wires))
    for number, wire in enumerate(wires):
        for side in Side:
            assert data[number, side] == wire.said[side], f"stream {number}, {side}"


def test_tshark_reads_the_same_of_one_conversation_of_each_kind(tmp_path: Path) -> None:
    same_reading(tmp_path, list(few()))


@pytest.mark.soak
@pytest.mark.parametrize("source", [lambda _: by_python(), by_openssl], ids=["python", "openssl"])
def test_tshark_reads_the_same_of_the_whole_matrix(
    source: Callable[[Path], Iterator[Wire]], tmp_path: Path
) -> None:
    peers.needs("openssl")
    wires = list(source(tmp_path))
    assert len(wires) >= 30
    for wire in wires:
        tracer = opens(wire)
        assert tracer.finished
    same_reading(tmp_path, wires)
