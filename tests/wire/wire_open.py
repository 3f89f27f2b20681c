"""Cases that the code does not meet yet, each with what is wrong: they are run and expected to fail.

An entry goes when its repair comes; the list is meant to be empty.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from wire_cases import Case

LAST_CODING = "RFC 9112 §6.3 rule 4 is a MUST: the last coding is not chunked, so 400 and not 501"
RULE_NAMED = "refused, but as a bad extension where the size is wrong"
METHOD = "a method is not bounded when its line comes whole, and is taken for a long target when it does not"

OPEN = {
    "chunked-a_size_of_64_bits": "closed without lingering: the answer is lost to a reset",
    "chunked-a_bare_lf_ends_a_trailer": "not refused until an empty line comes",
    "chunked-a_size_with_0x": RULE_NAMED,
    "chunked-a_size_with_an_underscore": RULE_NAMED,
    "chunked-a_bare_cr_behind_the_size": RULE_NAMED,
    "chunked-cr_cr_lf_behind_the_size": RULE_NAMED,
    "connection-an_http_1_0_client_s_extra_crlf": "the CRLF meets a closed socket: a reset may overtake the answer",
    "expect-100_and_then_faulty_chunks": RULE_NAMED,
    "expect-the_known_expectation_twice": "417 though each member is 100-continue",
    "request_line-a_method_as_long_as_a_novel": METHOD,
    "request_line-a_method_that_does_not_end": METHOD,
    "transfer_encoding-identity": LAST_CODING,
    "transfer_encoding-gzip_alone": LAST_CODING,
    "transfer_encoding-a_coding_nobody_knows_alone": LAST_CODING,
    "transfer_encoding-a_word_that_contains_chunked": LAST_CODING,
}

STREAMS = "/echo answers chunked content before it has read any: a broken chunk is a reset, not a 400"


def parameters(cases: Iterable[Case], streamed: bool = False) -> list[object]:
    """The cases for `parametrize`, the open ones marked. streamed: where /echo streams, refusals are open."""
    marked = []
    for case in cases:
        why = OPEN.get(case.id) or (STREAMS if streamed and case.parser.refusal else None)
        marks = [pytest.mark.xfail(reason=why, strict=False)] if why else []
        marked.append(pytest.param(case, id=case.id, marks=marks))
    return marked
