"""Origins: what is read as one, what a policy may list, and what matches what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.cors.origin import (
    MAX_ORIGIN,
    Origin,
    OriginPattern,
    OriginSet,
    Refusal,
    parse_origin,
    parse_pattern,
)

LABEL = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
SCHEME = st.sampled_from(["https", "http", "chrome-extension", "a+b"])
PORT = st.none() | st.integers(1, 65535).filter(lambda port: port not in (80, 443))
ORIGIN = st.builds(Origin, SCHEME, HOST, PORT)


@given(ORIGIN)
def test_what_is_written_is_read_back(origin: Origin) -> None:
    assert parse_origin(str(origin)) == origin


@given(st.text(max_size=60))
def test_any_text_is_an_origin_only_in_the_spelling_that_it_would_be_written_in(text: str) -> None:
    origin = parse_origin(text)
    assert origin is None or str(origin) == text


@pytest.mark.parametrize(
    "text",
    [
        "null", "NULL", "", "*", "https", "https:", "https://", "https:///", "//a.example", "a.example",
        "https://a.example/", "https://a.example:443", "http://a.example:80", "https://a.example:0",
        "https://a.example:080", "https://a.example:65536", "https://a.example:999999", "https://a.example:",
        "https://a.example:+1", "https://a.example:１", "https://a.example:1_0", "HTTPS://a.example",
        "https://A.example", "https://a.example.", "https://.a.example", "https://a..example", "https://-a.example",
        "https://a-.example", "https://a b", "https://a.example ", " https://a.example", "https://a.example\n",
        "https://u@a.example", "https://é.example", "https://a.example,https://b.example",
        "https://" + "a" * 64 + ".example", "https://" + ".".join(["a" * 60] * 5), "https://[::1", "https://[::1]x",
        "https://[::G]", "x" * (MAX_ORIGIN + 1),
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_no_origin(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", OriginPattern("https", "a.example", None)),
        ("http://a.example:8080", OriginPattern("http", "a.example", 8080)),
        ("http://a.example:443", OriginPattern("http", "a.example", 443)),
        ("https://*.example.com", OriginPattern("https", "example.com", None, subdomains=True)),
        ("http://localhost:*", OriginPattern("http", "localhost", None, any_port=True)),
        ("https://*.b.example:*", OriginPattern("https", "b.example", None, subdomains=True, any_port=True)),
        ("https://*.b.example:8443", OriginPattern("https", "b.example", 8443, subdomains=True)),
        ("http://127.0.0.1:9000", OriginPattern("http", "127.0.0.1", 9000)),
        ("http://[2001:db8::1]", OriginPattern("http", "[2001:db8::1]", None)),
        ("capacitor://localhost", OriginPattern("capacitor", "localhost", None)),
        ("https://xn--rsum-bpad.example", OriginPattern("https", "xn--rsum-bpad.example", None)),
    ],
)
def test_a_pattern_is_read_into_its_parts(text: str, expected: OriginPattern) -> None:
    assert parse_pattern(text) == expected
    assert str(parse_pattern(text)) == text


# What was given, a word of the reason, a part of the repair.
REFUSED = [
    ("null", "null", "origin of its own"),
    ("file:///home/me/page.html", "opaque", "http://localhost"),
    ("file://", "opaque", "http://localhost"),
    ("data:text/html,x", "opaque", "https"),
    ("", "empty", "https://host"),
    (" https://a.example", "white space", "https://host"),
    ("wss://a.example", "page", "https://a.example"),
    ("ws://a.example", "page", "http://a.example"),
    ("https://bücher.example", "ASCII", "punycode"),
    (r"^https://.*\.example\.com$", "regular expression", "https://*.example.com"),
    ("https://a.example, https://b.example", "white space", "https://host"),
    ("https://a.example,https://b.example", "several", "string of its own"),
    ("a.example", "scheme", "https://a.example"),
    ("//a.example", "scheme", "https://a.example"),
    ("https://me@a.example", "user name", "https://host"),
    ("https://a.example/", "no path", "write https://a.example"),
    ("https://a.example:8443/x?y#z", "no path", "write https://a.example:8443"),
    ("HTTPS://A.Example", "lower case", "write https://a.example"),
    ("*://a.example", "scheme", "https"),
    ("http*://a.example", "scheme", "https"),
    ("https://*", "not a host", '"*"'),
    ("https://*:8443", "not a host", '"*"'),
    ("https://*.com", "everybody can register", "https://*.example.com"),
    ("https://*.localhost", "everybody can register", "https://*.example.localhost"),
    ("https://a*.example.com", "whole labels", "https://*.example.com"),
    ("https://a.*.example.com", "whole labels", "https://*.example.com"),
    ("https://*.*.example.com", "whole labels", "https://*.example.com"),
    ("https://*example.com", "whole labels", "https://*.example.com"),
    ("https://a.example.", "trailing dot", "without the dot"),
    ("https://a.example:443", "own port", "write https://a.example"),
    ("http://*.a.example:80", "own port", "write http://*.a.example"),
    ("https://a.example:0", "1 to 65535", "https://host:8443"),
    ("https://a.example:08", "1 to 65535", "https://host:8443"),
    ("https://a.example:65536", "1 to 65535", "https://host:8443"),
    ("https://a.example:", "1 to 65535", "https://host:8443"),
    ("https://a.example:8*", "1 to 65535", "https://host:8443"),
    ("http://[::1]:x", "1 to 65535", "https://host:8443"),
    ("http://[0:0:0:0:0:0:0:1]", "shortest", "[::1]"),
    ("http://[::ffff:102:304]", "IPv6 clothing", "1.2.3.4"),
    ("http://127.1", "neither", "as a browser shows it"),
    ("http://0x7f000001", "neither", "as a browser shows it"),
    ("http://010.0.0.1", "neither", "as a browser shows it"),
    ("http://*.127.0.0.1", "no subdomains", "https://127.0.0.1"),
    ("https://a..example", "not an origin", "https://host"),
    ("https://-a.example", "not an origin", "https://host"),
    ("https://" + "a." * 130 + "example", "not an origin", "https://host"),
]


@pytest.mark.parametrize(
    ("text", "reason", "repair"), REFUSED, ids=[text[:40] or "empty" for text, *_ in REFUSED]
)
def test_a_wrong_pattern_is_refused_with_its_reason_and_repair(text: str, reason: str, repair: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_pattern(text)
    assert reason in caught.value.reason
    assert repair in caught.value.repair


@given(st.text(max_size=40) | st.from_regex(r"https?://[*a-z0-9.:\[\]-]{0,30}", fullmatch=True))
def test_any_text_is_a_pattern_or_refused_and_never_anything_else(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except Refusal as refusal:
        assert refusal.reason and refusal.repair and refusal.step
    else:
        assert str(pattern) == text


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        ("https://example.com", "https://example.com", True),
        ("https://example.com", "http://example.com", False),
        ("https://example.com", "https://example.com:8443", False),
        ("https://example.com", "https://evilexample.com", False),
        ("https://example.com", "https://example.com.evil.example", False),
        ("https://example.com", "https://a.example.com", False),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://b.a.example.com", True),
        ("https://*.example.com", "https://d.c.b.a.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://a..example.com", False),
        ("https://*.example.com", "https://a.example.com.evil.example", False),
        ("https://*.example.com", "https://a.example.com:8443", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com", "https://evil.example/.example.com", False),
        ("https://*.example.com", "https://evil@a.example.com", False),
        ("https://*.example.com:*", "https://a.example.com:8443", True),
        ("https://*.example.com:*", "https://a.example.com", True),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("https://*.example.com:8443", "https://a.example.com", False),
        ("http://localhost:*", "http://localhost", True),
        ("http://localhost:*", "http://localhost:5173", True),
        ("http://localhost:*", "https://localhost:5173", False),
        ("http://localhost:*", "http://localhost:80", False),  # no browser spells the default port out
        ("http://localhost:*", "http://localhost:5173.evil.example", False),
        ("http://[::1]:*", "http://[::1]:3000", True),
        ("http://[::1]:*", "http://[::2]:3000", False),
        ("https://example.com", "null", False),
    ],
)
def test_an_origin_matches_by_its_parts(pattern: str, origin: str, allowed: bool) -> None:
    assert (origin in OriginSet([parse_pattern(pattern)])) is allowed


@given(
    st.lists(ORIGIN, min_size=1, max_size=4),
    st.lists(st.sampled_from(["", "x.", "evil", "a.b."]), max_size=3),
    ORIGIN,
)
def test_the_set_says_what_its_patterns_say_one_by_one(
    listed: list[Origin], prefixes: list[str], other: Origin
) -> None:
    patterns = [
        OriginPattern(
            origin.scheme, origin.host, origin.port, subdomains=bool(index % 2), any_port=index % 3 == 2
        )
        for index, origin in enumerate(listed)
    ]
    asked = [other, *listed]
    asked += [Origin(o.scheme, prefix + o.host, o.port) for o in listed for prefix in prefixes]
    allowed = OriginSet(patterns)
    for origin in asked:
        expected = any(pattern.matches(origin) for pattern in patterns)
        assert (str(origin) in allowed) is expected, f"{origin} against {[*map(str, patterns)]}"


@given(ORIGIN, LABEL)
def test_a_neighbour_that_ends_alike_is_never_a_subdomain(origin: Origin, label: str) -> None:
    patterns = [OriginPattern(origin.scheme, origin.host, None, subdomains=True, any_port=True)]
    assert f"{origin.scheme}://{label}{origin.host}" not in OriginSet(patterns)
    assert f"{origin.scheme}://{label}.{origin.host}" in OriginSet(patterns)


@pytest.mark.parametrize(
    ("text", "secure"),
    [
        ("https://a.example", True),
        ("https://*.a.example", True),
        ("http://localhost:*", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.255.0.9", True),
        ("http://[::1]:8000", True),
        ("http://a.example", False),
        ("http://10.0.0.1", False),
        ("http://notlocalhost", False),
        ("http://localhost.evil.example", False),
        ("chrome-extension://abcdef", False),
    ],
)
def test_https_and_the_machine_itself_are_secure(text: str, secure: bool) -> None:
    assert parse_pattern(text).secure is secure
