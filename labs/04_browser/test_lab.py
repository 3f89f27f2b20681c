"""The checks of lab 04. No browser is needed: what one would do, the model of Fetch does (`netlab.cors`).

The handlers run in a real server on the loopback interface. Every expected answer is written out by hand.
"""

from __future__ import annotations

import json

import pytest
from conversing import talk

import netlab
from labs.runner.checks import table
from netlab.cors import PageRequest, Policy, explain

PAGE = "https://localhost:1111"
API = "https://localhost:2222"
STRANGERS = ("https://localhost:11110", "https://localhost", "http://localhost:1111", "https://127.0.0.1:1111",
             "https://evil.example", "null")  # fmt: skip
JSON = ("Content-Type", "application/json")
SHARED = Policy(origins=[PAGE], methods=["PUT"], credentials=True)


def told(exercise, path, page=PAGE, **request):
    """What becomes of a page's request under the policies."""
    return explain(exercise.policies(PAGE), PageRequest(page=page, url=API + path, **request))


# --- task 1: serve the pages ----------------------------------------------------------------------------


@pytest.mark.task(1, rule="RFC 9110 §8.3")
@table("path", "/", "/?from=the-bar", "/sandbox")
def test_the_page_is_html_in_utf_8(exercise, path):
    [answer] = talk(exercise.pages, ("GET", path))
    assert answer.status == 200, f"GET {path} must be 200, not {answer.status}"
    assert answer.text == exercise.PAGE, "the content must be PAGE, octet for octet"
    kind = answer.get("Content-Type").replace(" ", "").lower()
    assert kind == "text/html;charset=utf-8", (
        f"the Content-Type must be {exercise.HTML}, not {kind or 'absent'}"
    )


@pytest.mark.task(1, rule="HTML, sandboxing; CSP3 §6.3.2")
def test_only_the_sandboxed_page_gives_up_its_origin(exercise):
    whole, sandboxed = talk(exercise.pages, ("GET", "/"), ("GET", "/sandbox"))
    directive = sandboxed.get("Content-Security-Policy").split()
    assert directive[:1] == ["sandbox"], "/sandbox needs Content-Security-Policy: sandbox …"
    assert directive[1:] == ["allow-scripts"], (
        f"its scripts must run, and it must not keep its origin: sandbox allow-scripts, not {directive}"
    )
    assert not whole.get("Content-Security-Policy"), "the page at / keeps its origin: no sandbox there"


@pytest.mark.task(1, rule="RFC 9110 §15.5.5")
@table("path", "/nowhere", "/sandbox/", "/sandboxed", "/items")
def test_another_path_is_not_found(exercise, path):
    [answer] = talk(exercise.pages, ("GET", path))
    assert answer.status == 404, f"GET {path}: there is no such page, so 404, not {answer.status}"


@pytest.mark.task(1, rule="RFC 9110 §15.5.6")
@table("method, path", ("POST", "/"), ("PUT", "/sandbox"), ("DELETE", "/nowhere"), ("OPTIONS", "/"))
def test_another_method_gets_405_and_an_allow_field(exercise, method, path):
    [answer] = talk(exercise.pages, (method, path))
    assert answer.status == 405, f"{method} {path} must be 405, not {answer.status}"
    assert answer.names("Allow") == {"get", "head"}, (
        f"a 405 says which methods there are: Allow: GET, HEAD, not {answer.get('Allow') or 'absent'}"
    )


@pytest.mark.task(1, rule="RFC 9110 §9.3.2")
def test_head_is_answered_like_get(exercise):
    whole, head = talk(exercise.pages, ("GET", "/sandbox"), ("HEAD", "/sandbox"))
    for name in ("Content-Type", "Content-Security-Policy"):
        assert head.get(name) == whole.get(name), f"HEAD must have the fields of GET: {name} differs"
    assert (head.status, head.text) == (whole.status, ""), "HEAD has the status of GET, and no content"


# --- task 2: say who may read what ----------------------------------------------------------------------


@pytest.mark.task(2, rule="Fetch, CORS protocol")
@table("path, call", ("/items", {}), ("/items?x=1", {}),
       ("/items", {"method": "PUT", "headers": (JSON, ("Authorization", "Bearer abc"))}),
       ("/me", {"credentials": "include"}), ("/me", {"method": "PUT", "credentials": "include"}),
       ("/status", {}), ("/feedback", {"method": "POST"}),
       ("/orders", {"method": "POST", "headers": (JSON,)}))  # fmt: skip
def test_our_page_reads_all_that_it_needs(exercise, path, call):
    got = told(exercise, path, **call)
    assert got.readable, f"{call} of {path}: our page must be able to read it; {got.steps[-1].outcome}"


@pytest.mark.task(2, rule="Fetch, CORS check")
@table("page", *STRANGERS)
def test_a_page_of_another_origin_reads_only_the_status(exercise, page):
    assert told(exercise, "/status", page).readable, f"/status is for every page, {page} too"
    for path in ("/items", "/me", "/feedback", "/orders"):
        assert not told(exercise, path, page).readable, f"{path} is for {PAGE} alone, not for {page}"


@pytest.mark.task(2, rule="Fetch, CORS-preflight fetch")
@table("path, call", ("/items", {"method": "DELETE"}), ("/items", {"headers": (("X-Debug", "1"),)}),
       ("/me", {"method": "DELETE", "credentials": "include"}),
       ("/me", {"method": "PUT", "headers": (JSON,), "credentials": "include"}),
       ("/status", {"method": "PUT"}), ("/status", {"headers": (("X-Debug", "1"),)}),
       ("/feedback", {"method": "POST", "headers": (JSON,)}),
       ("/orders", {"method": "PUT"}),
       ("/orders", {"method": "POST", "headers": (("Authorization", "x"),)}))  # fmt: skip
def test_a_script_may_do_nothing_beyond_the_table(exercise, path, call):
    got = told(exercise, path, **call)
    assert not got.readable, f"the table does not allow {call} of {path}"


@pytest.mark.task(2, rule="Fetch, CORS protocol and credentials")
@table("path", "/items", "/status", "/feedback", "/orders")
def test_only_the_path_me_takes_cookies(exercise, path):
    got = told(exercise, path, credentials="include")
    assert not got.readable, f"{path} is read without cookies: no credentials in its policy"


@pytest.mark.task(2, rule="RFC 3986 §3.3")
@table("path", "/", "/admin", "/itemsx", "/me.json", "/items/../admin", "//items")
def test_no_page_reads_a_path_outside_the_table(exercise, path):
    assert not told(exercise, path).readable, f"{path} is not in the table: no page reads it"


@pytest.mark.task(2, rule="Fetch, CORS-exposed header-name list")
def test_scripts_read_only_the_field_x_total(exercise):
    exposed = {path: tuple(exercise.policies(PAGE).policy_for(path).expose_headers) for path in
               ("/items", "/me", "/status", "/feedback", "/orders")}  # fmt: skip
    assert [name.lower() for name in exposed.pop("/items")] == ["x-total"], "/items exposes X-Total"
    assert not any(exposed.values()), f"no other path exposes a field, but: {exposed}"


@pytest.mark.task(2, rule="Fetch, CORS-preflight cache")
@table("path, seconds", ("/items", 600), ("/me", 600), ("/feedback", None), ("/orders", None))
def test_a_browser_keeps_the_answer_to_a_preflight_as_long_as_the_table_says(exercise, path, seconds):
    got = exercise.policies(PAGE).policy_for(path).max_age
    assert got == seconds, f"{path}: max_age must be {seconds}, not {got}"


# --- task 3: answer as a handler ------------------------------------------------------------------------


@pytest.mark.task(3, rule="RFC 9110 §12.5.1")
@table("accept, kind, text", (None, "application/json", '["apples", "pears"]'),
       ("*/*", "application/json", '["apples", "pears"]'),
       ("application/json, text/plain", "application/json", '["apples", "pears"]'),
       ("text/plain", "text/plain", "apples\npears"),
       ("text/plain;q=0.9", "text/plain", "apples\npears"))  # fmt: skip
def test_the_items_are_json_or_lines(exercise, accept, kind, text):
    lines = [("Accept", accept)] if accept else []
    [answer] = talk(exercise.Shop(PAGE), ("GET", "/items", lines))
    assert answer.status == 200 and answer.get("Content-Type").startswith(kind), (
        f"with Accept {accept!r} they are {kind}, not {answer.status} {answer.get('Content-Type')!r}"
    )
    same = json.loads(answer.text) == json.loads(text) if kind.endswith("json") else answer.text == text
    assert same, f"the content must be {text!r}, not {answer.text!r}"


@pytest.mark.task(3, rule="RFC 9110 §12.5.5")
def test_the_handler_names_what_its_own_answer_depends_on(exercise):
    get = ("GET", "/items", [("Origin", PAGE)])
    [alone], [both] = talk(exercise.Shop(PAGE), get), talk(exercise.Shop(PAGE), get, cors=SHARED)
    assert alone.names("Vary") == {"accept"}, (
        f"the handler's own answer depends on Accept and nothing else, but Vary is {alone.get('Vary')!r}"
    )
    assert both.names("Vary") == {"accept", "origin"}, (
        f"with the policy's Origin merged in, Vary is {both.get('Vary')!r}"
    )


@pytest.mark.task(3, rule="RFC 9111 §5.2.2.1")
def test_the_items_are_cacheable_for_a_minute_and_x_total_counts_them(exercise):
    shop = exercise.Shop(PAGE, items=["a", "b", "c"])
    [answer] = talk(shop, ("GET", "/items"))
    assert answer.get("Cache-Control") == "max-age=60", f"Cache-Control is {answer.get('Cache-Control')!r}"
    assert answer.get("X-Total") == "3", f"there are 3 items, and X-Total says {answer.get('X-Total')!r}"


@pytest.mark.task(3, rule="Fetch, HTTP responses")
def test_the_handler_leaves_cors_to_the_policy(exercise):
    lines = [("Origin", PAGE)]
    answers = talk(exercise.Shop(PAGE), ("GET", "/items", lines), ("PUT", "/items", lines, b"[]"),
                   ("PUT", "/items", lines, b"?"), ("POST", "/items", lines))  # fmt: skip
    for answer in answers:
        own = [name for name, _ in answer.fields if name.lower().startswith("access-control-")]
        assert not own, f"a {answer.status} sets {own} itself: two voices about CORS make none"
    for answer in talk(exercise.Shop(PAGE), ("GET", "/items", lines), ("POST", "/items", lines), cors=SHARED):
        assert answer.get("Access-Control-Allow-Origin") == PAGE, f"a {answer.status} can be read as well"


@pytest.mark.task(3, rule="RFC 9110 §9.3.4")
@table("content", b"[]", b'["figs"]', b' [ "a" , "\xc3\xa9" ] ')
def test_put_replaces_the_list(exercise, content):
    shop = exercise.Shop(PAGE)
    put, got = talk(shop, ("PUT", "/items", [JSON], content), ("GET", "/items"))
    assert put.status == 204, f"PUT answers 204, not {put.status}"
    assert shop.items == json.loads(content), f"the list must be {content!r}, and is {shop.items}"
    assert json.loads(got.text) == json.loads(content), "the next GET must show it"


@pytest.mark.task(3, rule="RFC 9110 §15.5.1")
@table("content", b"", b"figs", b"[", b'{"items": []}', b'"figs"', b"null", b"[1]", b'["figs", null]',
       b"\xff")  # fmt: skip
def test_a_put_without_a_list_of_strings_gets_400_and_changes_nothing(exercise, content):
    shop = exercise.Shop(PAGE)
    [answer] = talk(shop, ("PUT", "/items", [JSON], content))
    assert answer.status == 400, f"PUT of {content!r} must be 400, not {answer.status}"
    assert shop.items == ["apples", "pears"], f"after a 400 the list must be what it was, not {shop.items}"


@pytest.mark.task(3, rule="RFC 9110 §15.5.6")
@table("method", "POST", "DELETE", "OPTIONS")
def test_another_method_on_the_items_gets_405(exercise, method):
    [answer] = talk(exercise.Shop(PAGE), (method, "/items"))
    assert answer.status == 405, f"{method} must be 405, not {answer.status}"
    assert answer.names("Allow") == {"get", "put"}, f"Allow: GET, PUT, not {answer.get('Allow') or 'absent'}"


# --- task 4: know the visitor ---------------------------------------------------------------------------


def make_known(shop, name="ada"):
    """Make `name` known; the cookie's name, its value and its attributes."""
    [answer] = talk(shop, ("PUT", "/me", [("Origin", PAGE)], name.encode()), cors=SHARED)
    assert answer.status == 204, f"PUT /me answers 204, not {answer.status}"
    lines = answer.fields.get_all("set-cookie")
    assert len(lines) == 1, f"one Set-Cookie field, not {len(lines)}"
    pair, *attributes = (part.strip() for part in lines[0].split(";"))
    cookie, _, value = pair.partition("=")
    return cookie, value, {attribute.lower() for attribute in attributes}


@pytest.mark.task(4, rule="RFC 6265 §4.1.2; RFC 6265bis §4.1.2.7")
def test_the_cookie_is_http_only_and_for_one_path(exercise):
    cookie, _, attributes = make_known(exercise.Shop(PAGE))
    assert cookie == "session", f"the cookie's name is session, not {cookie!r}"
    expected = {"path=/me", "secure", "httponly", "samesite=none"}
    assert attributes == expected, f"its attributes must be {sorted(expected)}, not {sorted(attributes)}"


@pytest.mark.task(4, rule="RFC 6265 §8.4")
def test_the_cookie_cannot_be_guessed(exercise):
    shop = exercise.Shop(PAGE)
    values = [make_known(shop)[1] for _ in range(4)]
    assert len(set(values)) == 4, f"each time a new token, even for the same name: {values}"
    assert all(len(value) >= 22 for value in values), f"22 letters are 128 bits; these are fewer: {values}"
    assert [shop.visitors.get(value) for value in values] == ["ada"] * 4, "visitors: from token to name"


@pytest.mark.task(4, rule="RFC 6265 §4.2.1")
@table("cookie, name", ("session=t1", "ada"), ("a=b; session=t2; c=d", "bob"),
       ("session=old; session=t1", "ada"), ("session==t3=", "eve"))  # fmt: skip
def test_a_visitor_with_the_cookie_is_known_by_name(exercise, cookie, name):
    shop = exercise.Shop(PAGE, visitors={"t1": "ada", "t2": "bob", "=t3=": "eve"})
    [answer] = talk(shop, ("GET", "/me", [("Cookie", cookie)]))
    assert (answer.status, answer.text) == (200, name), (
        f"Cookie: {cookie} is {name}'s; you answered {answer[:3:2]}"
    )


@pytest.mark.task(4, rule="RFC 9110 §15.5.2")
@table("cookie", None, "session=", "session=t9", "xsession=t1", "session=t1x", "Session=t1", "a=session=t1",
       "t1")  # fmt: skip
def test_a_visitor_without_a_known_cookie_gets_401(exercise, cookie):
    shop = exercise.Shop(PAGE, visitors={"t1": "ada"})
    [answer] = talk(shop, ("GET", "/me", [("Cookie", cookie)] if cookie is not None else []))
    assert answer.status == 401, (
        f"Cookie: {cookie} names no visitor, so 401, not {answer.status} {answer.text!r}"
    )


@pytest.mark.task(4, rule="RFC 9111 §5.2.2.5")
def test_the_answer_for_one_visitor_is_not_cacheable(exercise):
    shop = exercise.Shop(PAGE, visitors={"t1": "ada"})
    answers = talk(
        shop, ("GET", "/me", [("Cookie", "session=t1")]), ("GET", "/me"), ("PUT", "/me", [], b"bob")
    )
    for answer in answers:
        assert answer.get("Cache-Control") == "no-store", (
            f"a {answer.status} of /me needs Cache-Control: no-store"
        )


# --- task 5: refuse what a stranger's form can send -----------------------------------------------------


def order(exercise, *lines):
    """Order with these fields: status, and the orders that were taken."""
    shop = exercise.Shop(PAGE)
    [answer] = talk(shop, ("POST", "/orders", list(lines), b'{"figs": 2}'))
    return answer.status, shop.orders


@pytest.mark.task(5, rule="Fetch, `Origin` header")
@table("kind", "application/json", "Application/JSON", "application/json; charset=utf-8",
       "application/json ;x")  # fmt: skip
def test_an_order_from_our_page_or_without_an_origin_is_accepted(exercise, kind):
    for origin in ([("Origin", PAGE)], []):
        status, orders = order(exercise, ("Content-Type", kind), *origin)
        whose = "our page" if origin else "curl, which has no Origin"
        assert (status, orders) == (201, ['{"figs": 2}']), f"{kind} from {whose} must be taken, not {status}"


@pytest.mark.task(5, rule="Fetch, `Origin` header")
@table("page", *STRANGERS)
def test_an_order_from_another_origin_gets_403_and_is_not_stored(exercise, page):
    status, orders = order(exercise, JSON, ("Origin", page))
    assert status == 403, f"an order from {page} must be 403, not {status}"
    assert not orders, f"it was refused, and yet taken: {orders}"


@pytest.mark.task(5, rule="Fetch, CORS-safelisted request-header")
@table("lines", [("Content-Type", "text/plain")], [("Content-Type", "application/x-www-form-urlencoded")],
       [("Content-Type", "multipart/form-data; boundary=x")], [], [("Content-Type", "")],
       [("Content-Type", "text/plain; application/json")], [("Content-Type", "application/jsonp")],
       [JSON, ("Content-Type", "text/plain")], [("Content-Type", "text/plain"), JSON])  # fmt: skip
def test_an_order_that_a_form_can_send_gets_415_and_is_not_stored(exercise, lines):
    status, orders = order(exercise, *lines, ("Origin", PAGE))
    assert (status, orders) == (415, []), f"{lines} must be 415 and not taken; it was {status}, {orders}"


@pytest.mark.task(5, rule="Fetch, `Origin` header")
def test_the_origin_is_checked_first_and_two_origins_are_refused(exercise):
    strange = ("Origin", "https://evil.example")
    status, _ = order(exercise, strange, ("Content-Type", "text/plain"))
    assert status == 403, f"a stranger's form is a stranger's: 403 before 415, not {status}"
    for lines in ([("Origin", PAGE), strange], [strange, ("Origin", PAGE)]):
        status, orders = order(exercise, *lines, JSON)
        assert (status, orders) == (403, []), (
            f"with two Origin lines the server cannot know the page: 403, not {status}"
        )


# --- task 6: reuse a stored answer ----------------------------------------------------------------------

ORIGIN, OTHER = [("Origin", PAGE)], [("Origin", "https://evil.example")]


def reuses(exercise, vary, first, second):
    return bool(exercise.may_reuse(vary, netlab.Fields(first), netlab.Fields(second)))


@pytest.mark.task(6, rule="RFC 9111 §4.1")
@table("vary, first, second", ([], ORIGIN, OTHER), ([""], ORIGIN, []), (["Accept"], ORIGIN, OTHER),
       (["Origin"], ORIGIN, [("origin", PAGE), ("Accept", "x")]), (["origin"], ORIGIN, ORIGIN),
       (["ORIGIN , Accept"], ORIGIN, ORIGIN), (["Origin", "Accept"], [], []),
       ([", Origin ,,"], ORIGIN, ORIGIN))  # fmt: skip
def test_requests_that_agree_in_the_fields_of_vary_get_the_same_answer(exercise, vary, first, second):
    assert reuses(exercise, vary, first, second), (
        f"Vary {vary}: {second} and {first} agree in each named field, so the stored answer is reused"
    )


@pytest.mark.task(6, rule="RFC 9111 §4.1")
@table("vary, first, second", (["Origin"], ORIGIN, OTHER), (["Origin"], ORIGIN, []),
       (["Origin"], [], ORIGIN), (["Accept, Origin"], ORIGIN, OTHER), (["Accept", "Origin"], ORIGIN, OTHER),
       (["oRIGIN"], ORIGIN, OTHER),
       (["Origin,Accept"], [*ORIGIN, ("Accept", "a")], [*ORIGIN, ("Accept", "b")]),
       (["Accept"], [("Accept", "")], []))  # fmt: skip
def test_requests_that_differ_in_a_field_of_vary_get_another_answer(exercise, vary, first, second):
    assert not reuses(exercise, vary, first, second), f"Vary {vary}: {second} is not {first}: ask again"


@pytest.mark.task(6, rule="RFC 9111 §4.1")
@table("first, second", ([("Accept", "a"), ("Accept", "b")], [("Accept", "a")]),
       ([("Accept", "a")], [("Accept", "a"), ("Accept", "b")]),
       ([("Accept", "a"), ("Accept", "b")], [("Accept", "b"), ("Accept", "a")]))  # fmt: skip
def test_every_line_of_a_named_field_counts(exercise, first, second):
    assert not reuses(exercise, ["Accept"], first, second), f"{second} is not {first}: every line, in order"


@pytest.mark.task(6, rule="RFC 9110 §12.5.5")
@table("vary", ["*"], ["Accept, *"], ["Accept", " * "])
def test_an_answer_with_vary_star_is_never_reused(exercise, vary):
    assert not reuses(exercise, vary, ORIGIN, ORIGIN), f"Vary {vary}: only the origin server can tell"
