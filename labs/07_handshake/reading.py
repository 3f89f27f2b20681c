"""One connection read three times, for lab 07: by the code under measure, netlab's tracer and tshark."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from handshakes import Talk

from netlab.capture import pcapng
from netlab.tls import keylog
from netlab.tls.tracing.values import Side

_SECRETS = {
    Side.CLIENT: (keylog.CLIENT_HANDSHAKE, keylog.CLIENT_TRAFFIC),
    Side.SERVER: (keylog.SERVER_HANDSHAKE, keylog.SERVER_TRAFFIC),
}


@dataclass(frozen=True)
class Reading:
    """What the code under measure made of a connection's encrypted records and Finished messages."""

    encrypted: int
    alike: int  # records that it opened with the tracer's content
    finished: int  # Finished messages that hold what the code computes


def secret(talk: Talk, label: str) -> bytes:
    """A secret from the key log of a connection."""
    assert talk.tracer.client is not None
    found = keylog.KeyLog(talk.key_log).secret(label, talk.tracer.client.random)
    if found is None:
        raise RuntimeError(f"the key log has no {label}")
    return found


def read(code: ModuleType, talk: Talk) -> Reading:
    """Open every encrypted record of a TLS 1.3 connection, and check both Finished, with the code."""
    suite = talk.tracer.suite
    assert suite is not None
    encrypted = alike = 0
    for side, labels in _SECRETS.items():
        keys = [code.traffic_keys(suite.hash, secret(talk, label), suite.key) for label in labels]
        stage = sequence = 0
        for record in (record for record in talk.records if record.side is side and record.protected):
            encrypted += 1
            opened = code.open_record(keys[stage], sequence, record.data)
            alike += (opened.content_type, opened.content) == (record.content_type, record.content)
            sequence += 1
            if "finished" in record.handshake:  # from here on the side uses its application traffic secret
                stage, sequence = 1, 0
    return Reading(encrypted, alike, _finished(code, talk, suite.hash))


def _finished(code: ModuleType, talk: Talk, hash_name: str) -> int:
    """How many of the two Finished messages hold the verify data that the code computes."""
    before: list[bytes] = []
    right = 0
    for record, message in ((r, m) for r in talk.handshake for m in r.messages):
        if message.name == "finished":
            base = secret(talk, _SECRETS[record.side][0])
            right += code.verify_data(hash_name, base, before) == message.data[4:]
        before.append(message.data)
    return right


def write(folder: Path, talks: Sequence[Talk]) -> Path:
    """One capture with all connections and their secrets inside: Wireshark opens it decrypted."""
    folder.mkdir(exist_ok=True)
    path = folder / "07_handshake.pcapng"
    packets = itertools.chain.from_iterable(talk.packets for talk in talks)
    pcapng.write(path, packets, b"".join(talk.key_log for talk in talks))
    return path


def write_page(capture: Path) -> Path:
    """The page that explains every byte of a capture, made by `netlab trace`."""
    page = capture.with_name("07_handshake_bytes.html")
    command = [sys.executable, "-m", "netlab", "trace", str(capture), "--html", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"netlab trace: {done.stderr.strip()}")
    return page


def tshark_reads_alike(capture: Path, talks: Sequence[Talk]) -> bool | None:
    """Whether tshark finds the same handshake messages and the same request; None where tshark is missing."""
    if shutil.which("tshark") is None:
        return None
    ports = [part for talk in talks for part in ("-d", f"tcp.port=={talk.port},tls")]
    fields = ["-e", "tcp.stream", "-e", "tls.handshake.type", "-e", "http.request.uri"]
    done = subprocess.run(
        ["tshark", "-r", str(capture), *ports, "-T", "fields", *fields],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: list[tuple[list[str], list[str]]] = [([], []) for _ in talks]
    for line in done.stdout.splitlines():
        stream, types, uri = line.split("\t")
        found[int(stream)][0].extend(types.split(",") if types else [])
        found[int(stream)][1].extend([uri] if uri else [])
    ours = [([str(m.data[0]) for r in talk.records for m in r.messages], ["/data"]) for talk in talks]
    return found == ours
