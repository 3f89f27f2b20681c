"""The first screen of the report: each claim as a card with its verdict, one number and one small picture.

Here: what each lab's card says (CARDS) and its markup. Not here: the verdict, which the measurement computes.
A card's sentence belongs to one verdict. For another verdict the measurement's own words stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from labs.runner.evidence import Drawing, Verdict
from labs.runner.registry import Lab
from labs.runner.report import bars
from labs.runner.report.measuring import Evidence
from labs.runner.report.picture import PANELS, Bar, Panel
from labs.runner.report.tables import number
from labs.runner.report.verdicts import kind_of, mark_of, verdict_of

Figures = Mapping[str, float | int | str]

_ONLY_IF, _FALSE = Verdict.TRUE_ONLY_IF, Verdict.FALSE


@dataclass(frozen=True, slots=True)
class Card:
    """What a lab's card shows. Each text may name the lab's figures: "{packets_per_fetch:.0f}".

    value: the one number. counts: what it counts. says: one or two sentences for `verdict`.
    """

    lab: str
    value: str
    counts: str
    verdict: Verdict
    says: str
    bars: Panel


def _value(name: str) -> Callable[[Mapping[str, float]], float]:
    """The figure of this name."""
    return lambda figures: figures[name]


def _bars(lab: str, *pairs: tuple[str, str, str]) -> Panel:
    """Two bars: (label, name of the figure, text beside it)."""
    first, second = (Bar(label, _value(name), text) for label, name, text in pairs)
    return Panel(lab, "", first, second)


_DRAWN = {panel.lab: panel for panel in PANELS}

CARDS = (
    Card(
        "raw_socket",
        "{packets_per_fetch:.0f}",
        "packets for one fetch on a new connection",
        _ONLY_IF,
        "True only if the connection is new. On one that stays open, a fetch begins with its request.",
        _DRAWN["raw_socket"],
    ),
    Card(
        "framing",
        "{tricks_read_in_two_ways:.0f} of {tricks:.0f}",
        "malformed messages that two programs read in two ways",
        _FALSE,
        "False. {programs:.0f} programs got the same bytes, and did not see the same requests in them.",
        _bars(
            "framing", ("malformed messages sent", "tricks", "{0:.0f}"),
            ("read in two ways", "tricks_read_in_two_ways", "{0:.0f}"),
        ),
    ),
    Card(
        "preflight",
        "{need_all_three:.0f} of {need_allow_origin:.0f}",
        "allowed requests from another origin that need all three fields",
        _ONLY_IF,
        "True only if the request has both a method other than GET, HEAD and POST and a header that an HTML"
        " form cannot send. {denied_that_ran:.0f} denied requests ran on the server all the same.",
        _bars(
            "preflight", ("need Allow-Origin", "need_allow_origin", "{0:.0f}"),
            ("need all three fields", "need_all_three", "{0:.0f}"),
        ),
    ),
    Card(
        "browser",
        "{kept_but_ran:.0f} of {kept_from_the_page:.0f}",
        "blocked requests that had run on the server",
        _ONLY_IF,
        "True only if “protects” means that a page cannot read the answer. Chromium kept"
        " {kept_from_the_page:.0f} answers from the page. The server had already run {kept_but_ran:.0f} of"
        " these requests.",
        _DRAWN["browser"],
    ),
    Card(
        "certificates",
        "{accepted_by_default:.0f} of {broken_chains:.0f}",
        "broken chains that Python's default client accepts",
        _ONLY_IF,
        "True only if the connection is TLS 1.2, or you connect yourself. TLS 1.3 encrypts the certificate.",
        _bars(
            "certificates", ("broken chains", "broken_chains", "{0:.0f}"),
            ("accepted by default", "accepted_by_default", "{0:.0f}"),
        ),
    ),
    Card(
        "stolen_key",
        "{opened:.0f} of {recorded:.0f}",
        "recorded connections that the stolen key opened",
        _ONLY_IF,
        "True only if both sides choose static RSA, which TLS 1.3 removed in 2018. ECDHE encrypts no secret.",
        _bars(
            "stolen_key", ("recorded connections", "recorded", "{0:.0f}"),
            ("opened by the key", "opened", "{0:.0f}"),
        ),
    ),
    Card(
        "handshake",
        "{full_bytes:,.0f}",
        "bytes for a full TLS 1.3 handshake, in {full_round_trips:.0f} round trip",
        _ONLY_IF,
        "True only if the trick is a key agreement. Both sides compute the secret from two public shares, and"
        " it never crosses the wire.",
        _DRAWN["handshake"],
    ),
    Card(
        "cost_of_crypto",
        "{rsa_over_aes:,.0f} ×",
        "the time of RSA-2048 to decrypt one content, divided by the time of AES-256-GCM",
        _ONLY_IF,
        "True only if RSA is to encrypt the content, which no protocol in use does. A whole handshake costs"
        " {full_handshake_ms:.1f} ms of CPU time.",
        _bars(
            "cost_of_crypto", ("full handshake, CPU time", "full_handshake_ms", "{0:.2f} ms"),
            ("resumed", "resumed_handshake_ms", "{0:.2f} ms"),
        ),
    ),
    Card(
        "keep_alive",
        "{far_tls_new_to_kept:.1f} ×",
        "the time of 20 GETs on new TLS connections, divided by the time of one session",
        _ONLY_IF,
        "True only if the server is far; here it is {far_round_trip_ms:.0f} ms away. On loopback, handshakes"
        " are {handshake_share_of_saving_percent_plain:.0f} % of what a session saves.",
        _DRAWN["keep_alive"],
    ),
    Card(
        "idle_cost",
        "{netlab_tls_mib_for_10000:,.0f} MiB",
        "for 10,000 idle TLS clients of netlab, the kernel's part included",
        _ONLY_IF,
        "True only if each connection costs the server much memory. Here asyncio's own TLS does.",
        _DRAWN["idle_cost"],
    ),
    Card(
        "pool",
        "{article_connections:.0f}",
        "connection used by the article's 50 GETs, with limit=100",
        _ONLY_IF,
        "True only if requests overlap. The article's loop used {article_connections_limit_1:.0f} connection"
        " with limit=1 as well.",
        _bars(
            "pool", ("one GET after the other", "article_connections", "{0:.0f}"),
            ("50 GETs at once", "at_once_connections", "{0:.0f}"),
        ),
    ),
    Card(
        "chunked",
        "{first_byte_chunked_ms:.0f} ms",
        "to the first byte of a slow producer, chunked",
        _ONLY_IF,
        "True only if the length is unknown when the head is sent. A known Content-Length streams as early:"
        " {first_byte_known_ms:.0f} ms.",
        _bars(
            "chunked", ("chunked: first byte after", "first_byte_chunked_ms", "{0:.0f} ms"),
            ("when the length is awaited", "first_byte_buffered_ms", "{0:.0f} ms"),
        ),
    ),
    Card(
        "river",
        "{one_client_rise_mib:.1f} MiB",
        "of memory to stream {streamed_gb:.0f} GB to one client",
        _ONLY_IF,
        "True only if it is counted for each client, the producer waits for its reader, and the reader reads."
        " For a stalled reader the kernel holds {stalled_kernel_kib_default:,.0f} KiB more.",
        _DRAWN["river"],
    ),
    Card(
        "siege",
        "{netlab_slow_head_answered_percent:.0f} %",
        "of honest clients answered by netlab while slow heads attack it",
        _ONLY_IF,
        "True only if the server waits for slow clients without a bound. Deadlines keep a server up.",
        _bars(
            "siege", ("netlab", "netlab_slow_head_answered_percent", "{0:.0f} %"),
            ("a server without deadlines", "answered_without_deadlines_percent", "{0:.0f} %"),
        ),
    ),
    Card(
        "capstone",
        "{must_kept:.0f} of {must_played:.0f}",
        "MUST cases that the server made of seven labs keeps",
        _ONLY_IF,
        "True only if netlab takes over the rules that no lab builds. Under each attack, the server made of"
        " seven labs answers most honest clients.",
        _bars(
            "capstone", ("MUST cases played", "must_played", "{0:.0f}"), ("kept", "must_kept", "{0:.0f}"),
        ),
    ),
)  # fmt: skip

_CARDS = {card.lab: card for card in CARDS}

BOARDS = {
    "raw_socket": "wire", "framing": "wire", "preflight": "cors", "browser": "cors",
    "certificates": "handshake",
    "stolen_key": "handshake", "handshake": "handshake", "cost_of_crypto": "handshake", "keep_alive": "speed",
    "idle_cost": "idle", "pool": "pool", "chunked": "river", "river": "river",
    "siege": "siege",
}  # fmt: skip
"""By lab: the board of `make live` that shows it. The site's address has a token: the command stands here."""


def see_live(lab: Lab) -> str:
    """How to see the lab's experiment live, as HTML; "" where no board shows it."""
    board = BOARDS.get(lab.id, "")
    return f'Live: <code>make live ARGS="--board {board}"</code>' if board else ""


def number_of(lab: Lab, figures: Figures) -> tuple[str, str]:
    """The card's one number and what it counts: the prediction's figure for a lab that has no card."""
    card = _CARDS.get(lab.id)
    try:
        if card is not None:
            return card.value.format_map(figures), card.counts.format_map(figures)
    except (KeyError, ValueError):
        pass  # a shortened or older run may lack a figure
    if lab.prediction.figure not in figures:
        return "–", "not in this run"
    return number(figures[lab.prediction.figure]), f"{lab.prediction.unit}: {lab.prediction.question}"


def sentence_of(evidence: Evidence) -> str:
    """The verdict in one or two plain sentences."""
    card, found = _CARDS.get(evidence.lab.id), evidence.measurement
    if card is not None and found is not None and found.verdict is card.verdict:
        try:
            return card.says.format_map(found.figures)
        except (KeyError, ValueError):
            pass
    word, condition = verdict_of(evidence)
    told = f"{word} {condition}".strip()
    told = f"{told[:1].upper()}{told[1:]}"
    if found is None:
        return f"{told}: {evidence.reason}."
    # A verdict without a condition says nothing alone: the measurement's own words stand behind it.
    return f"{told}." if condition else f"{told}. {found.headline[:1].upper()}{found.headline[1:]}."


def drawing_of(lab: Lab, figures: Figures) -> Drawing | None:
    """The card's number and its bars for the terminal; None for a run or a lab without them."""
    two = _lengths(lab, figures)
    return bars.drawing(" ".join(number_of(lab, figures)), two) if two else None


def _lengths(lab: Lab, figures: Figures) -> tuple[bars.Length, ...]:
    card = _CARDS.get(lab.id)
    return bars.lengths(card.bars, figures) if card is not None else ()


def card_html(evidence: Evidence, earlier: Figures | None = None) -> str:
    """One claim as a card; `earlier`: the figures of the run that this one is compared with."""
    lab, found = evidence.lab, evidence.measurement
    link = f'<a href="#{escape(lab.slug)}">Lab {lab.number:02d}: {escape(lab.title)}</a>'
    parts = [
        f'<article class="card {kind_of(evidence)}"><h3>{escape(lab.claim)}</h3>',
        f'<p><span class="verdict">{mark_of(evidence)}</span> {escape(sentence_of(evidence))}</p>',
    ]
    if found is not None:
        value, counts = number_of(lab, found.figures)
        before = f" Earlier: {escape(number_of(lab, earlier)[0])}." if earlier else ""
        parts.append(f'<p class="one"><b>{escape(value)}</b> <span>{escape(counts)}.{before}</span></p>')
        parts.append(bars.svg(_lengths(lab, found.figures)))
    more = "<br>".join(filter(None, [link, see_live(lab)]))
    return "\n".join([*parts, f'<p class="more">{more}</p></article>'])
