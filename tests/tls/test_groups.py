"""Key agreement by curves alone: what the configuration says, and what a server then refuses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.tls import groups
from tests.server.conftest import ROOT, Process
from tests.tls.client_hello import FFDHE8192, X25519, client_hello

SECTIONS = """
openssl_conf = init  # a comment
[ init ]
ssl_conf = "modules"
[modules]
system_default=policy
[policy]
Options = -SessionTicket
"""


def test_a_system_without_a_file_gets_sections_of_our_own(tmp_path: Path) -> None:
    text = groups.configuration(tmp_path / "none.cnf", "X25519:P-256")
    assert ".include" not in text
    assert text.splitlines()[0] == "openssl_conf = netlab_init"
    assert text.splitlines()[-1] == "Groups = X25519:P-256"


def test_the_system_s_file_is_included_and_its_sections_are_continued(tmp_path: Path) -> None:
    system = tmp_path / "openssl.cnf"
    system.write_text(SECTIONS)
    assert groups.configuration(system, "X25519").splitlines() == [
        "openssl_conf = init",
        f".include {system}",
        "[init]",
        "ssl_conf = modules",
        "[modules]",
        "system_default = policy",
        "[policy]",
        "Groups = X25519",
    ]


def test_a_section_name_may_stand_in_an_included_file_or_folder(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "10.cnf").write_text("[modules]\nsystem_default = policy\n")
    (tmp_path / "one.cnf").write_text("openssl_conf = init\n[init]\nssl_conf = modules\n")
    system = tmp_path / "openssl.cnf"
    system.write_text(f".include {tmp_path / 'one.cnf'}\n.include = {folder}\n.include {system}\n")
    assert "[policy]" in groups.configuration(system, "X25519"), "and a file that includes itself ends"


@pytest.mark.parametrize(
    ("openssl", "expected"),
    [(0x30000130, "X25519:P-256:P-384"), (0x30500000, "X25519MLKEM768:X25519:P-256:P-384")],
)
def test_the_post_quantum_group_is_offered_where_openssl_has_it(openssl: int, expected: str) -> None:
    assert groups.group_list(openssl) == expected


def test_python_is_told_itself_where_it_can_be() -> None:
    class Context:
        def set_groups(self, value: str) -> None:
            self.value = value

    context = Context()
    groups.apply(context)  # type: ignore[arg-type]
    assert context.value.endswith("X25519:P-256:P-384")


def _offered(program: str, **environment: str) -> list[int]:
    """The groups in the ClientHello of a process that runs this first."""
    program += """
import ssl
outgoing = ssl.MemoryBIO()
client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a")
try:
    client.do_handshake()
except ssl.SSLWantReadError:
    pass
from netlab.tls import hello
print(*hello.groups(outgoing.read()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return [int(number) for number in done.stdout.split()]


def test_a_program_restricts_itself_before_it_imports_ssl() -> None:
    restrict = "import os; from netlab.tls.groups import restrict_groups\nassert restrict_groups()\n"
    offered = _offered(restrict + "assert 'OPENSSL_CONF' not in os.environ")
    assert {0x001D, 0x0017, 0x0018} <= set(offered) and FFDHE8192 not in offered


def test_a_program_that_comes_too_late_is_told_so() -> None:
    too_late = "import ssl; from netlab.tls.groups import restrict_groups\nassert not restrict_groups()\n"
    if sys.version_info >= (3, 15):
        too_late = too_late.replace("assert not", "assert")
    _offered(too_late)


def test_the_user_s_own_configuration_is_kept(tmp_path: Path) -> None:
    own = tmp_path / "own.cnf"
    own.write_text(SECTIONS)
    restrict = "from netlab.tls.groups import restrict_groups\nassert restrict_groups()\n"
    check = "import os, ssl\nassert os.environ['OPENSSL_CONF']\n"
    check += "assert ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).options & ssl.OP_NO_TICKET\n"
    assert FFDHE8192 not in _offered(restrict + check, OPENSSL_CONF=str(own))


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    from netlab.tls import authority

    files = authority.ensure(tmp_path_factory.mktemp("certs"))
    server = Process("--cert", str(files.chain), "--key", str(files.leaf_key))
    yield server
    assert server.stop()[0] == 0


@pytest.mark.parametrize(("group", "kind"), [(FFDHE8192, 21), (0x0100, 21), (X25519, 22), (0x0018, 22)])
def test_serve_refuses_a_client_that_offers_only_finite_fields(
    serving: Process, group: int, kind: int
) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=20) as client:
        client.sendall(client_hello((group,)))
        answer = client.recv(1000)
    assert answer[0] == kind, "21 is an alert, 22 the request for a key share (HelloRetryRequest)"
    if kind == 21:
        assert answer[5:] == b"\x02\x28", "fatal, handshake_failure"
