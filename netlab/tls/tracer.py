"""The tracer: the bytes of both directions and a ring of secrets in, records with their content out.

    tracer = Tracer(Keyring(KeyLog(log)))
    for record in tracer.feed(Side.CLIENT, data, time):
        record.wire()                    # the fields on the wire: every byte named
        record.content                   # without protection, or None and record.reason
        record.messages[0].fields()      # the fields of the handshake messages that end here
    tracer.end()
    tracer.problems                      # what could not be read, with the offset where sense ends

The way of a record, numbered as in the code: (1) find where TLS starts, (2) cut a record, (3) take its
protection off, (4) act on its content: put messages together, (5) follow each message: hellos choose
version and secrets, Finished, KeyUpdate and ChangeCipherSpec change keys. Nothing is kept of a record, so
memory stays flat; damaged input is a problem, never an exception.
"""

from __future__ import annotations

from netlab.tls import record as records
from netlab.tls.decrypt import WINDOW, Opened, UndecryptableError, open_within
from netlab.tls.handshake import TLS13, Situation
from netlab.tls.keyschedule import Derivation
from netlab.tls.tracing import prelude, tls12, tls13
from netlab.tls.tracing.assembly import TooLongError
from netlab.tls.tracing.half import Half, were_swapped
from netlab.tls.tracing.hellos import ClientFacts, ServerFacts, client_facts, server_facts
from netlab.tls.tracing.keyring import Keyring
from netlab.tls.tracing.transcript import Transcript
from netlab.tls.tracing.values import Message, Piece, Problem, Record, Side
from netlab.tls.wire import ssl2
from netlab.tls.wire.spans import counted
from netlab.tls.wire.suites import Suite, suite

# Steps and problems that are kept: a long connection with a million KeyUpdates must not grow.
_KEPT = 1000


class Tracer:
    """Follows one conversation. Feed it the bytes of each side in the order in which they were sent.

    client, server: what the hellos said, or None. version: the negotiated one, or 0. steps: every derivation
    so far. finished: for each Finished that could be checked, whether it holds what it must. preludes: the
    plain text before TLS, by side.
    """

    def __init__(self, ring: Keyring | None = None) -> None:
        self.ring = ring if ring is not None else Keyring()
        self.client: ClientFacts | None = None
        self.server: ServerFacts | None = None
        self.version = 0
        self.retried = False
        self.steps: list[Derivation] = []
        self.problems: list[Problem] = []
        self.finished: list[tuple[Side, bool]] = []
        self.preludes: dict[Side, bytes] = {}
        self.octets = dict.fromkeys(Side, 0)
        self._halves = {side: Half(side) for side in Side}
        self._transcript = Transcript()
        self._secrets12: tls12.Secrets12 | None = None
        self._secrets13: tls13.Secrets13 | None = None
        self._swapped: bool | None = None

    @property
    def suite(self) -> Suite | None:
        """The negotiated cipher suite; None before ServerHello, and for one that netlab does not know."""
        return suite(self.server.suite) if self.server else None

    @property
    def is_tls(self) -> bool:
        """Was a record found?"""
        return any(half.started for half in self._halves.values())

    @property
    def resumed(self) -> bool:
        """Does the connection go on with an earlier session?"""
        if self.server is None or self.client is None:
            return False
        if self.version >= TLS13:
            return self.server.identity is not None
        return self._secrets12 is not None and self._secrets12.resumed

    def feed(self, side: Side, data: bytes, time: float | None = None) -> list[Record]:
        """Take the next bytes of a side; time: when they came. Return the records that are whole now."""
        half = self._halves[side]
        self.octets[side] += len(data)
        if not half.started:
            data = self._find_start(half, data)
        elif half.dead:
            at = prelude.resumes(data)
            half.skipped += len(data) if at is None else at
            if at is None:
                return []
            half.dead = False
            half.reader = records.RecordReader(self.octets[side] - len(data) + at)
            data = data[at:]
        found: list[Record] = []
        if half.started:
            half.reader.feed(data)
            if ssl2.hello_size(half.before):
                self._ssl2(half, found, time)
            while (raw := half.reader.next_record()) is not None:
                found.append(self._record(half, raw, time))
            if problem := half.reader.problem():
                half.dead = True
                self._problem(self._role(half), half.reader.offset, f"no record starts here: {problem}")
                half.skipped += len(half.reader.rest())
        return found

    def lost(self, side: Side, missing: int) -> None:
        """So many bytes of a side are not there; what is fed next follows behind them."""
        half = self._halves[side]
        offset = self.octets[side]
        self.octets[side] += missing
        self._problem(self._role(half), offset, f"{counted(missing)} are missing")
        half.assembler.clear()
        if not half.started:
            half.before.clear()
            half.searched = 5  # what follows starts anywhere: only a hello counts as the start
            return
        half.skipped += len(half.reader.rest())
        half.dead = True
        # The smallest record of which bytes can be missing has a header and a tag.
        records_lost = min(1 + missing // 21, WINDOW)
        half.missing += records_lost
        if half.opener is not None:
            half.opener.lost(records_lost)

    def end(self) -> None:
        """The conversation is over: what is incomplete becomes a problem."""
        for half in self._halves.values():
            side, reader = self._role(half), half.reader
            if not half.started and half.before:
                old = self.client is not None and self.client.version == 0x0002
                kind = "SSL 2.0" if old else prelude.protocol(bytes(half.before[:512]))
                self._problem(
                    side, 0, f"no TLS in {self.octets[half.side]} bytes" + (f" of {kind}" if kind else "")
                )
            elif half.started and not half.dead and reader.buffered:
                self._problem(
                    side, reader.offset, f"it ends inside a record, {reader.buffered} bytes after its start"
                )
            if half.assembler.waiting:
                count = half.assembler.waiting
                text = f"a handshake message that starts in this record is not whole: {count} bytes"
                self._problem(side, half.assembler.starts_in, text)

    # -- (1) where TLS starts

    def _find_start(self, half: Half, data: bytes) -> bytes:
        """Collect bytes until TLS starts; what is fed to the reader then."""
        half.before += data
        if len(half.before) < 5 or half.dead:
            if half.dead:
                half.before.clear()
            return b""
        at = 0 if ssl2.hello_size(half.before) else prelude.starts(half.before, half.searched)
        half.searched = len(half.before)
        if at is None:
            if half.searched > prelude.LIMIT:
                self._problem(self._role(half), 0, f"no TLS in the first {half.searched} bytes")
                half.dead = True
            return b""
        half.started = True
        if at:
            self.preludes[half.side] = bytes(half.before[:at])
        rest = bytes(half.before[at:])
        half.reader = records.RecordReader(at)
        half.before = half.before[:5] if not at and ssl2.hello_size(half.before) else bytearray()
        return rest

    def _ssl2(self, half: Half, found: list[Record], time: float | None) -> None:
        """A ClientHello in the form of SSL 2.0, alone of its kind."""
        size = ssl2.hello_size(half.before) or 0
        if half.reader.buffered < size:
            return
        half.before.clear()
        offset = half.reader.offset
        raw = half.reader.take(size)
        fields = ssl2.decode(raw)
        specs = fields.get("cipher_specs")
        self._hello(
            ClientFacts(
                random=fields.octets("challenge")[-32:].rjust(32, b"\0"),
                session_id=fields.octets("session_id"),
                suites=tuple(s.value for s in specs.children if isinstance(s.value, int)) if specs else (),
                version=fields.number("version"),
            )
        )
        self._transcript.add(raw[ssl2.HEADER_LENGTH :])
        version = fields.number("version")
        found.append(Record(Side.CLIENT, time, offset, raw, version, records.HANDSHAKE, raw[2:]))

    # -- (2) and (3) a record, and what is in it

    def _record(self, half: Half, raw: bytes, time: float | None) -> Record:
        if self._swapped is None:
            self._swapped = were_swapped(half.side, raw)
        offset = half.reader.offset - len(raw)
        version = self.version or (raw[1] << 8 | raw[2])
        found = Record(self._role(half), time, offset, raw, version, raw[0])
        try:
            opened, found.key = self._open(half, raw)
        except UndecryptableError as error:
            found.reason = str(error)
            if raw[0] == records.CHANGE_CIPHER_SPEC:
                self._change_cipher_spec(half)
            return found
        found.opened = opened
        if opened is None:
            found.content = raw[records.HEADER_LENGTH :]
        else:
            found.content, found.content_type = opened.content, opened.content_type
        self._act(half, found)
        if found.version != self.version and self.version and found.messages:
            found.version = self.version  # the record that carries the ServerHello
        return found

    def _open(self, half: Half, raw: bytes) -> tuple[Opened | None, str]:
        """Take the protection off; None for a record that has none. Raises UndecryptableError."""
        if half.opener is not None and self.version in (0, TLS13):
            if raw[0] != records.APPLICATION_DATA:
                return None, ""
            return half.opener.open(raw)
        if half.protection is not None:
            half.missing += 1  # a record that does not open has used up its number all the same
            opened = open_within(half.protection, raw, half.missing - 1)
            half.missing = 0
            return opened, "master secret"
        if half.blocked:
            raise UndecryptableError(half.blocked)
        if raw[0] == records.APPLICATION_DATA:
            raise UndecryptableError(self._why_no_keys())
        return None, ""

    def _why_no_keys(self) -> str:
        missing = [
            name for name, facts in (("ClientHello", self.client), ("ServerHello", self.server)) if not facts
        ]
        return f"no {' and no '.join(missing)} before it" if missing else "no key for it"

    # -- (4) the content

    def _act(self, half: Half, found: Record) -> None:
        if found.content_type == records.CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(half)
        elif found.content_type == records.HANDSHAKE and found.content:
            half.assembler.feed(found.offset, found.content)
            try:
                for data, pieces in half.assembler.messages():
                    found.messages.append(self._message(half, data, pieces))
            except TooLongError as error:
                self._problem(found.side, found.offset, str(error))

    def _change_cipher_spec(self, half: Half) -> None:
        """TLS 1.2: the next record is protected with the new keys. TLS 1.3: it means nothing."""
        if self.version >= TLS13 or (not self.version and self.client and self.client.offers_tls13):
            return
        if self._secrets12 is None:
            half.protection, half.blocked = None, self._why_no_keys()
        else:
            half.protection, half.blocked = self._secrets12.protection(self._role(half))

    # -- (5) the messages

    def _message(self, half: Half, data: bytes, pieces: tuple[Piece, ...]) -> Message:
        used = self.suite
        situation = Situation(self.version or TLS13, used.key_exchange if used else "")
        message = Message(self._role(half), data, situation, pieces)
        follow = _FOLLOW.get(message.name)
        if follow is not None:
            follow(self, half, message)
        elif message.name not in ("hello_request", "key_update"):
            self._transcript.add(data)
        return message

    def _client_hello(self, half: Half, message: Message) -> None:
        facts = client_facts(message.fields())
        if not (self.retried and self.server is None):
            self._hello(facts)
        elif self._secrets13 is not None:
            self.client = self._secrets13.client = facts
        self._transcript.add(message.data)
        if self._secrets13 is not None and not self.retried:
            self._secrets13.client_hello(self._transcript)

    def _hello(self, facts: ClientFacts) -> None:
        """A handshake begins: the first one, or a renegotiation (RFC 5246 §7.4.1.1)."""
        self.client, self.server = facts, None
        self._transcript = Transcript()
        for half in self._halves.values():
            half.finished = False
        self._trim()
        if facts.offers_tls13 and not self.version:
            self._secrets13 = tls13.Secrets13(self.ring, facts, self.steps)
            for half in self._halves.values():
                half.opener = tls13.StagedOpener(self._role(half), self._secrets13)

    def _hello_retry_request(self, half: Half, message: Message) -> None:
        self.retried = True
        chosen = suite(message.fields().number("cipher_suite"))
        self._transcript.retry(chosen.hash if chosen else "sha256")
        self._transcript.add(message.data)
        client = self._halves[Side.SERVER if self._swapped else Side.CLIENT]
        if client.opener is not None:
            client.opener.no_early_data()

    def _server_hello(self, half: Half, message: Message) -> None:
        self.server = facts = server_facts(message.fields())
        self.version = facts.version
        self._transcript.add(message.data)
        if self.client is None:
            return
        if facts.version >= TLS13:
            if self._secrets13 is not None:
                self._secrets13.server_hello(facts, self._transcript)
        else:
            self._secrets12 = tls12.Secrets12(self.ring, self.client, facts, self.steps)

    def _certificate(self, half: Half, message: Message) -> None:
        self._transcript.add(message.data)
        if self._secrets12 is not None and message.side is Side.SERVER and self.version < TLS13:
            self._secrets12.certificate(message.fields().octets("certificate_list", "certificate"))

    def _client_key_exchange(self, half: Half, message: Message) -> None:
        self._transcript.add(message.data)
        if self._secrets12 is not None:
            encrypted = message.fields().octets("encrypted_pre_master_secret")
            self._secrets12.client_key_exchange(encrypted, self._transcript)

    def _new_session_ticket(self, half: Half, message: Message) -> None:
        fields = message.fields()
        if self.version >= TLS13:
            if self._secrets13 is not None:
                self._secrets13.ticket(fields.octets("ticket"), fields.octets("ticket_nonce"))
            return
        self._transcript.add(message.data)
        if self._secrets12 is not None:
            self._secrets12.new_session_ticket(fields.octets("ticket"))

    def _end_of_early_data(self, half: Half, message: Message) -> None:
        self._transcript.add(message.data)
        if half.opener is not None:
            half.opener.end_early_data()

    def _key_update(self, half: Half, message: Message) -> None:
        if half.opener is not None and self.version >= TLS13:
            half.opener.update()
            self._trim()

    def _finished(self, half: Half, message: Message) -> None:
        secrets = self._secrets13 if self.version >= TLS13 else self._secrets12
        if half.finished:
            return  # one handshake has one: hashing the transcript for each would cost its square
        half.finished = True
        if secrets is not None:
            fits = secrets.check_finished(message.side, message.data[4:], self._transcript)
            if fits is not None:
                self.finished.append((message.side, fits))
        self._transcript.add(message.data)
        if self.version >= TLS13:
            if self._secrets13 is not None:
                self._secrets13.finished(message.side, self._transcript)
            if half.opener is not None:
                half.opener.advance()
        if all(each.finished for each in self._halves.values()):
            self._transcript.close()

    # -- small things

    def _role(self, half: Half) -> Side:
        return half.side.other if self._swapped else half.side

    def _problem(self, side: Side, offset: int, text: str) -> None:
        if len(self.problems) < _KEPT:
            self.problems.append(Problem(side, offset, text))

    def _trim(self) -> None:
        del self.steps[_KEPT:]
        del self.finished[_KEPT:]


_FOLLOW = {
    "client_hello": Tracer._client_hello,
    "hello_retry_request": Tracer._hello_retry_request,
    "server_hello": Tracer._server_hello,
    "certificate": Tracer._certificate,
    "client_key_exchange": Tracer._client_key_exchange,
    "new_session_ticket": Tracer._new_session_ticket,
    "end_of_early_data": Tracer._end_of_early_data,
    "key_update": Tracer._key_update,
    "finished": Tracer._finished,
}
