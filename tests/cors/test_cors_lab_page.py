"""Lab 03's last section: the code for each framework runs, and a browser's checks judge its answers."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.cors import PageRequest
from netlab.cors.browser.compare import Respond, play
from netlab.cors.decision import RequestFields
from netlab.cors.others import Answer
from netlab.probes.launch import Server
from tests.asgi.conftest import need_module
from tests.cors.others import PAGE
from tests.cors.test_cors_others import EXPRESS, ROUTER, express, free_port, nginx_file
from tests.server.conftest import need

__all__ = ["express"]  # a fixture

EXPLAIN = Path(__file__).parents[2] / "labs" / "03_preflight" / "explain.md"
JSON = (("Content-Type", "application/json"),)
EVIL = "https://evil.test"

# page, method, headers, path: may the page read the response?
CASES: tuple[tuple[str, str, tuple[tuple[str, str], ...], str, bool], ...] = (
    (PAGE, "GET", (), "/200", True),
    (PAGE, "POST", JSON, "/200", True),
    (PAGE, "PUT", JSON, "/200", True),
    (PAGE, "GET", (), "/404", True),
    (PAGE, "DELETE", (), "/200", False),
    (PAGE, "PUT", (("X-Other", "1"),), "/200", False),
    (EVIL, "GET", (), "/200", False),
    (EVIL, "PUT", JSON, "/200", False),
    (f"{PAGE}.evil.test", "GET", (), "/200", False),
    ("null", "POST", JSON, "/200", False),
)


def code(language: str) -> str:
    """The code of this language in the last section."""
    section = EXPLAIN.read_text("utf-8").partition("## In FastAPI, Express, Spring and nginx")[2]
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(found)


def judge(respond: Callable[[str], Respond], *, refusals_vary: bool = True) -> None:
    """Play every case; `respond` gives the server's answers at a path. refusals_vary: do they name Origin?"""
    for page, method, headers, path, readable in CASES:
        request = PageRequest(page=page, url=f"https://api.example{path}", method=method, headers=headers)
        run = play(request, respond(path))
        assert run.readable is readable, (request, run)
        if not readable and not refusals_vary:
            continue
        assert run.actual is None or ("vary", "Origin") in {(n.lower(), v) for n, v in run.actual.fields}


def over_http(port: int, prefix: str) -> Callable[[str], Respond]:
    """The answers of a real server at this port."""

    def at(path: str) -> Respond:
        def respond(method: str, fields: RequestFields) -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request(method, prefix + path, headers=dict(fields))  # type: ignore[call-overload]
                response = connection.getresponse()
                response.read()
                return Answer(response.status, tuple(response.getheaders()))
            finally:
                connection.close()

        return respond

    return at


def in_process(app: Any) -> Callable[[str], Respond]:
    """The answers of an ASGI app."""

    async def asked(path: str, method: str, fields: Any) -> Answer:
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        lines = [(name.lower().encode(), value.encode()) for name, value in fields]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": b"", "headers": lines, "scheme": "https", "server": ("api.example", 443),
            "http_version": "1.1", "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await app(scope, receive, send)
        got = tuple((name.decode(), value.decode()) for name, value in told[0]["headers"])
        return Answer(told[0]["status"], got)

    return lambda path: lambda method, fields: asyncio.run(asked(path, method, fields))


def test_the_code_for_fastapi_allows_what_the_lab_says() -> None:
    need_module("fastapi")
    names: dict[str, Any] = {}
    exec(compile(code("python"), str(EXPLAIN), "exec"), names)

    async def ready() -> str:
        return "x"

    names["app"].add_api_route("/200", ready, methods=["GET", "POST", "PUT", "DELETE"])
    judge(in_process(names["app"]))  # /404 has no route: FastAPI's own 404


def test_starlette_compares_a_plain_string_by_substring() -> None:
    cors = need_module("starlette.middleware.cors")
    responses = need_module("starlette.responses")
    app = cors.CORSMiddleware(responses.PlainTextResponse("x"), allow_origins=PAGE)
    request = PageRequest(page="https://app", url="https://api.example/")
    assert play(request, in_process(app)("/")).readable


def test_the_code_for_nginx_allows_what_the_lab_says(tmp_path: Path) -> None:
    table, location = code("nginx").split("location / {\n")
    assert "    proxy_pass http://app;\n}" in location
    location = location.replace("    proxy_pass http://app;\n}", "")
    port = free_port()
    file = nginx_file(tmp_path, port, [(table, location)])
    command = [need("nginx", "nginx-light"), "-p", str(tmp_path), "-c", str(file)]
    with Server(command, f"http://127.0.0.1:{port}/", patience=30):
        judge(over_http(port, "/0"))


@pytest.mark.soak
@pytest.mark.usefixtures("express")
def test_the_code_for_express_allows_what_the_lab_says(request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue("express")
    port = free_port()
    program = folder / "lab.js"
    router = ROUTER.format(number=0, configuration=code("js"))
    program.write_text(EXPRESS.format(routers=router, port=port), "utf-8")
    with Server(["node", str(program)], f"http://127.0.0.1:{port}/", patience=30):
        judge(over_http(port, "/0"))


_JARS = Path("/usr/share/java")
_SPRING = (
    "spring3-web",
    "spring3-core",
    "spring3-beans",
    "spring3-context",
    "commons-logging",
    "servlet-api",
)
_JETTY = tuple(f"jetty9-{part}" for part in ("server", "servlet", "security", "http", "io", "util"))
_PROGRAM = """
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import javax.servlet.DispatcherType;
import javax.servlet.http.*;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.*;
import org.springframework.context.annotation.*;
import org.springframework.web.cors.*;
import org.springframework.web.filter.CorsFilter;

public class Main {
    public static void main(String[] args) throws Exception {
        Server server = new Server(Integer.parseInt(args[0]));
        ServletContextHandler context = new ServletContextHandler();
        FilterHolder filter = new FilterHolder(new CorsOfTheApi().corsFilter());
        context.addFilter(filter, "/*", EnumSet.of(DispatcherType.REQUEST));
        context.addServlet(new ServletHolder(new HttpServlet() {
            @Override
            protected void service(HttpServletRequest asked, HttpServletResponse answer) throws IOException {
                answer.setStatus(asked.getRequestURI().equals("/404") ? 404 : 200);
                answer.getWriter().print("x");
            }
        }), "/*");
        server.setHandler(context);
        server.start();
    }
}
"""


@pytest.mark.soak
def test_the_code_for_spring_allows_what_the_lab_says(tmp_path: Path) -> None:
    java = need("java", "default-jdk-headless")
    jars = [_JARS / f"{name}.jar" for name in (*_SPRING, *_JETTY)]
    if not all(jar.exists() for jar in jars):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "needs Spring and Jetty (apt-get install libspring-web-java libjetty9-java)"
        )
    program = tmp_path / "Main.java"
    program.write_text(_PROGRAM + code("java"))
    port = free_port()
    words = [java, "-cp", ":".join(map(str, jars)), str(program), str(port)]
    with Server(words, f"http://127.0.0.1:{port}/200", patience=60.0):
        judge(over_http(port, ""), refusals_vary=False)
