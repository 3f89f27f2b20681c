"""The secrets of a TLS 1.3 connection and the records they open (RFC 8446 §7).

Each side goes through stages: early data (a client that offers it), handshake, application, and a new
generation after each KeyUpdate. A stage's secret comes from the key log, or from the key schedule where the
private key of a share or the PSK is known. An AEAD proves itself: where a message that ends a stage could
not be read, the next stage's key is tried, too.
"""

from __future__ import annotations

import hmac

from netlab.tls import keyschedule
from netlab.tls.decrypt import Opened, Tls13, UndecryptableError, open_within
from netlab.tls.keylog import (
    CLIENT_EARLY,
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    EXPORTER,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
)
from netlab.tls.keyschedule import Derivation, KeySchedule
from netlab.tls.tracing.hellos import ClientFacts, ServerFacts
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.transcript import Transcript
from netlab.tls.tracing.values import Side
from netlab.tls.wire.suites import Suite, suite

_STAGES = {
    Side.CLIENT: (CLIENT_EARLY, CLIENT_HANDSHAKE, CLIENT_TRAFFIC),
    Side.SERVER: (SERVER_HANDSHAKE, SERVER_TRAFFIC),
}
HANDSHAKE_LABELS = {Side.CLIENT: CLIENT_HANDSHAKE, Side.SERVER: SERVER_HANDSHAKE}


class Secrets13:
    """The secrets of one connection by their label in a key log, and the steps that led to them."""

    def __init__(self, ring: Keyring, client: ClientFacts, steps: list[Derivation]) -> None:
        self.client = client
        self.suite: Suite | None = None  # set by ServerHello
        self.steps = steps
        self._ring = ring
        self._computed: dict[str, bytes] = {}
        self._noted: set[str] = set()
        self._schedule: KeySchedule | None = None
        self._resumption = b""

    def find(self, label: str) -> bytes | None:
        """A secret; the first time that one comes from the key log, that is a step, too."""
        if label in self._computed:
            return self._computed[label]
        found = self._ring.log.secret(label, self.client.random)
        if found is not None and label not in self._noted:
            self._noted.add(label)
            self.steps.append(
                Derivation(label, "key log", (("client random", self.client.random),), found, "RFC 9850")
            )
        return found

    def suites(self) -> list[Suite]:
        """The negotiated suite, or before ServerHello those that could be."""
        return [self.suite] if self.suite else self.client.tls13_suites

    def client_hello(self, transcript: Transcript) -> None:
        """Early data: its secret follows from the PSK of the first ticket, if that is known."""
        psk = self._ring.psk(self.client.identities[0]) if self.client.identities else None
        for each in self.client.tls13_suites if psk else ():
            hashed = transcript.hash(each.hash)
            if psk and hashed and len(psk) == keyschedule.digest_size(each.hash):
                schedule = KeySchedule(each.hash)
                schedule.early(psk)
                early = schedule.derive("client early traffic secret", "c e traffic", hashed)
                self._computed.setdefault(CLIENT_EARLY, early)
                self.steps += schedule.steps
                return

    def server_hello(self, server: ServerFacts, transcript: Transcript) -> None:
        """The handshake secrets, where the key agreement can be done again."""
        self.suite = suite(server.suite)
        shared = self._ring.shared_secret(self.client.shares.get(server.group, b""), server.share)
        psk = b""
        if server.identity is not None:
            known = self.client.identities[server.identity : server.identity + 1]
            psk = (self._ring.psk(known[0]) if known else None) or b""
        if self.suite is None or not shared or (server.identity is not None and not psk):
            return
        hashed = transcript.hash(self.suite.hash)
        if hashed is None:
            return
        self._schedule = schedule = KeySchedule(self.suite.hash)
        schedule.steps = self.steps
        schedule.early(psk)
        schedule.handshake(shared)
        for label, name, short in (
            (CLIENT_HANDSHAKE, "client handshake traffic secret", "c hs traffic"),
            (SERVER_HANDSHAKE, "server handshake traffic secret", "s hs traffic"),
        ):
            self._computed[label] = schedule.derive(name, short, hashed)

    def finished(self, side: Side, transcript: Transcript) -> None:
        """What follows from a Finished, which is in the transcript: application secrets, then resumption."""
        hashed = transcript.hash(self.suite.hash) if self.suite and self._schedule else None
        if self._schedule is None or hashed is None:
            return
        if side is Side.CLIENT:
            name = "resumption master secret"
            self._resumption = self._schedule.derive(name, "res master", hashed)
            return
        self._schedule.master()
        for label, name, short in (
            (CLIENT_TRAFFIC, "client application traffic secret", "c ap traffic"),
            (SERVER_TRAFFIC, "server application traffic secret", "s ap traffic"),
            (EXPORTER, "exporter master secret", "exp master"),
        ):
            self._computed[label] = self._schedule.derive(name, short, hashed)

    def ticket(self, ticket: bytes, nonce: bytes) -> None:
        """Remember the PSK that a NewSessionTicket stands for, where it can be derived."""
        if self._resumption and self.suite:
            psk = keyschedule.resumption_psk(self.suite.hash, self._resumption, nonce, self.steps.append)
            self._ring.remember_psk(ticket, psk)

    def check_finished(self, side: Side, verify_data: bytes, transcript: Transcript) -> bool | None:
        """Does a Finished hold what it must (before it enters the transcript)? None: it can't be said."""
        secret = self.find(HANDSHAKE_LABELS[side])
        if secret is None or self.suite is None:
            return None
        hashed = transcript.hash(self.suite.hash)
        if hashed is None:
            return None
        expected = keyschedule.finished(self.suite.hash, secret, hashed, self.steps.append)
        return hmac.compare_digest(expected, verify_data)


class StagedOpener:
    """Opens the records of one side, stage by stage."""

    def __init__(self, side: Side, secrets: Secrets13) -> None:
        self._secrets = secrets
        self._labels = list(_STAGES[side])
        if side is Side.CLIENT and not secrets.client.early_data:
            self._labels.pop(0)
        self._stage = 0
        self._generation = 0
        self._opens: dict[int, tuple[str, Tls13]] = {}  # by stage: what has opened a record
        self._updated = b""  # the secret of the latest generation
        self._missing_records = 0
        self._noted: set[str] = set()

    def advance(self) -> None:
        """A message that ends the stage came: Finished, or EndOfEarlyData."""
        self._stage = min(self._stage + 1, len(self._labels) - 1)
        self._missing_records = 0

    def lost(self, records: int) -> None:
        """Up to so many records are missing in what comes next."""
        self._missing_records += records

    def no_early_data(self) -> None:
        """HelloRetryRequest: the client sends no more early data (RFC 8446 §4.2.10)."""
        if self._labels[0] == CLIENT_EARLY:
            self._labels.pop(0)
            self._opens.clear()
            self._stage = 0

    def end_early_data(self) -> None:
        """EndOfEarlyData."""
        if self._labels[self._stage] == CLIENT_EARLY:
            self.advance()

    def update(self) -> None:
        """KeyUpdate: the next records are of a new generation (RFC 8446 §7.2)."""
        label = self._labels[-1]
        secret = self._updated or self._secrets.find(label)
        if secret is None or self._secrets.suite is None:
            return
        used = self._secrets.suite
        self._updated = keyschedule.next_generation(used.hash, secret, self._secrets.steps.append)
        self._generation += 1
        self._noted.clear()  # a long connection may have a million generations
        name = f"{label[:-1]}{self._generation}"
        self._stage = len(self._labels) - 1
        self._opens[self._stage] = (name, self._protection(used, self._updated))
        self._missing_records = 0

    def open(self, record: bytes) -> tuple[Opened, str]:
        """Open a record: what was in it, and the name of the secret. Raises UndecryptableError."""
        problem = ""
        for stage in range(self._stage, len(self._labels)):
            for name, protection in self._candidates(stage):
                try:
                    window = self._missing_records if stage in self._opens else 0
                    opened = open_within(protection, record, window)
                except UndecryptableError as error:
                    problem = problem or str(error)
                    continue
                self._opens[stage] = (name, protection)
                self._stage, self._missing_records = stage, 0
                self._note(name, protection)
                return opened, name
        self._missing_records += 1
        raise UndecryptableError(problem or self._missing())

    def _candidates(self, stage: int) -> list[tuple[str, Tls13]]:
        if stage in self._opens:
            return [self._opens[stage]]
        label = self._labels[stage]
        secret = self._secrets.find(label)
        if secret is None:
            return []
        size = len(secret)
        fitting = [each for each in self._secrets.suites() if keyschedule.digest_size(each.hash) == size]
        found = [(label, self._protection(each, secret)) for each in fitting]
        if len(found) == 1:
            self._opens[stage] = found[0]
        return found

    def _protection(self, used: Suite, secret: bytes) -> Tls13:
        return Tls13(used, keyschedule.traffic_keys(used.hash, secret, used.key), secret)

    def _note(self, name: str, protection: Tls13) -> None:
        """The keys that opened a record are steps, too: once, when they first did."""
        if name not in self._noted:
            self._noted.add(name)
            used, note = protection.suite, self._secrets.steps.append
            keyschedule.traffic_keys(used.hash, protection.secret, used.key, note, name)

    def _missing(self) -> str:
        random = self._secrets.client.random.hex()
        if self._secrets.suite is None and not self._secrets.suites():
            return "netlab has no cipher for the negotiated suite"
        return f"no secret: the key log has no {self._labels[self._stage]} of client random {random[:16]}…"
