"""What proxies say of their clients: believed from trusted peers alone, read from the right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.http1.fields import Fields
from netlab.http1.forwarded import HOPS, Told, TrustedProxies

PROXY = ("10.0.0.1", 4000)
TRUSTED = TrustedProxies(["10.0.0.0/8"])
CLIENT = ("203.0.113.7", 0)


def told(*lines: tuple[str, str], peer: tuple[str, int] | None = PROXY) -> Told | None:
    return TRUSTED.told(Fields(lines), peer)


X = [
    # X-Forwarded-For, the client
    ("203.0.113.7", CLIENT),
    ("198.51.100.66, 203.0.113.7", CLIENT),
    ("203.0.113.7, 10.1.2.3", CLIENT),
    ("198.51.100.66,203.0.113.7 ,\t10.1.2.3,10.9.9.9", CLIENT),
    ("10.5.5.5, 10.1.2.3", ("10.5.5.5", 0)),
    ("203.0.113.7:1234", ("203.0.113.7", 1234)),
    ("2001:db8::1", ("2001:db8::1", 0)),
    ("[2001:db8::1]:443", ("2001:db8::1", 443)),
    ('"[2001:DB8:0::1]:443"', ("2001:db8::1", 443)),
    ("::ffff:203.0.113.7", CLIENT),
    ("203.0.113.7, ::ffff:10.1.2.3", CLIENT),
    ("garbage, 203.0.113.7", CLIENT),
    ("203.0.113.7, unknown", None),
    ("203.0.113.7, 10.1.2.3x", None),
    ("203.0.113.7:99999", None),
    ("203.0.113.007", None),
    (" , ,203.0.113.7,, ", CLIENT),
]


@pytest.mark.parametrize(("value", "client"), X)
def test_the_first_address_from_the_right_that_is_no_trusted_proxy_is_the_client(
    value: str, client: tuple[str, int] | None
) -> None:
    found = told(("X-Forwarded-For", value))
    assert found == Told(client, None, None)
    lines = [("x-forwarded-for", piece) for piece in value.split(",")]
    assert told(*lines) == found, "several lines are one list"


@pytest.mark.parametrize("peer", [("203.0.113.9", 1), ("11.0.0.1", 1), None, ("fe80::1%eth0", 1), ("", 1)])
def test_another_peer_is_not_believed(peer: tuple[str, int] | None) -> None:
    lines = (("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"))
    assert told(*lines, peer=peer) is None
    assert told(("Forwarded", "for=1.2.3.4;proto=https;host=evil"), peer=peer) is None


def test_a_trusted_peer_that_says_nothing() -> None:
    assert told(("Host", "x"), ("Via", "1.1 proxy")) is None
    assert told(("Forwarded", "")) is None
    assert told(("X-Forwarded-For", ",")) is None


@pytest.mark.parametrize(("lines", "scheme", "host"), [
    ([("X-Forwarded-Proto", "https")], "https", None),
    ([("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "a.example:8443")], "https", "a.example:8443"),
    ([("X-Forwarded-Proto", "http, https")], "https", None),
    ([("X-Forwarded-Proto", "javascript")], None, None),
    ([("X-Forwarded-Host", "evil.example, shop.example")], None, "shop.example"),
    ([("X-Forwarded-Host", "user@shop.example")], None, None),
    ([("X-Forwarded-Host", "a b")], None, None),
])  # fmt: skip
def test_scheme_and_host(lines: list[tuple[str, str]], scheme: str | None, host: str | None) -> None:
    assert told(*lines) == Told(PROXY, scheme, host), "without a client in it, the peer stays the client"


def test_lists_of_one_length_belong_together() -> None:
    found = told(
        ("X-Forwarded-For", "198.51.100.66, 203.0.113.7, 10.1.2.3"),
        ("X-Forwarded-Proto", "http, https, http"),
        ("X-Forwarded-Host", "evil, shop.example, inner"),
    )
    assert found == Told(CLIENT, "https", "shop.example")


RFC7239 = [
    ("for=203.0.113.7", Told(CLIENT, None, None)),
    ("For=203.0.113.7;Proto=HTTPS;by=10.0.0.1;Host=shop.example", Told(CLIENT, "https", "shop.example")),
    ('for="203.0.113.7:1234";proto="https"', Told(("203.0.113.7", 1234), "https", None)),
    ('for="[2001:db8::1]:4711"', Told(("2001:db8::1", 4711), None, None)),
    ('for=[2001:db8::1];host=a:80', Told(("2001:db8::1", 0), None, "a:80")),
    ("for=198.51.100.66;proto=http, for=203.0.113.7;proto=https", Told(CLIENT, "https", None)),
    ("for=203.0.113.7;proto=https, for=10.1.2.3;proto=http", Told(CLIENT, "https", None)),
    ("for=unknown", Told(None, None, None)),
    ("for=_hidden;proto=https", Told(None, "https", None)),
    ("proto=https;host=a", Told(PROXY, "https", "a")),
    ("for=198.51.100.66, proto=https", Told(PROXY, "https", None)),
    # A client's broken line does not swallow what the proxy added.
    ('for="198.51.100.66, for=203.0.113.7;proto=https', Told(CLIENT, "https", None)),
    ("for=198.51.100.66;;, for=203.0.113.7", Told(CLIENT, None, None)),
    ("===, for=203.0.113.7", Told(CLIENT, None, None)),
    ("for=203.0.113.7;for=198.51.100.66", Told(None, None, None)),
    ("for=203.0.113.7;x=\"a, b\"", Told(CLIENT, None, None)),
    ("nonsense", Told(None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), RFC7239)
def test_forwarded_is_read_as_rfc_7239_has_it(value: str, expected: Told) -> None:
    assert told(("Forwarded", value)) == expected


def test_a_broken_line_of_the_client_does_not_hide_the_line_of_the_proxy() -> None:
    assert told(("Forwarded", 'for="1.2.3.4'), ("Forwarded", "for=203.0.113.7")) == Told(CLIENT, None, None)


def test_x_forwarded_fields_come_first_when_both_are_there() -> None:
    found = told(("Forwarded", "for=198.51.100.66;proto=http"), ("X-Forwarded-For", "203.0.113.7"))
    assert found == Told(CLIENT, None, None)


@pytest.mark.parametrize(("peers", "peer", "believed"), [
    (["127.0.0.1"], ("127.0.0.1", 1), True), (["127.0.0.1"], ("::ffff:127.0.0.1", 1), True),
    (["127.0.0.1"], None, False), (["unix"], None, True), (["unix"], ("127.0.0.1", 1), False),
    (["*"], None, True), (["*"], ("8.8.8.8", 1), True), (["::1"], ("::1", 1), True),
    (["fe80::/10"], ("fe80::1%eth0", 1), True), ([], ("127.0.0.1", 1), False), ([], None, False),
    ([" 127.0.0.1 ", "10.0.0.0/8"], ("10.3.2.1", 1), True),
])  # fmt: skip
def test_which_peers_are_trusted(peers: list[str], peer: tuple[str, int] | None, believed: bool) -> None:
    assert TrustedProxies(peers).trusts(peer[0] if peer else None) is believed


def test_every_entry_that_is_no_address_is_named() -> None:
    with pytest.raises(ValueError, match=r"'nginx', '10\.0\.0\.1/8', '': give addresses"):
        TrustedProxies(["127.0.0.1", "nginx", "10.0.0.1/8", ""])


def test_a_list_of_thousands_is_looked_at_for_a_few_hops() -> None:
    every = TrustedProxies(["*"])
    hops = ", ".join(f"10.{n >> 8}.{n & 255}.1" for n in range(4000))
    assert every.told(Fields([("X-Forwarded-For", hops)]), PROXY) == Told(
        (f"10.{(4000 - HOPS) >> 8}.{(4000 - HOPS) & 255}.1", 0), None, None
    )


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_what_a_client_writes_never_reaches_past_what_the_proxy_adds(text: str) -> None:
    for name in ("X-Forwarded-For", "Forwarded"):
        own = "203.0.113.7" if name.startswith("X") else "for=203.0.113.7"
        found = told((name, f"{text}, {own}"))
        assert found is not None and found.client == CLIENT
