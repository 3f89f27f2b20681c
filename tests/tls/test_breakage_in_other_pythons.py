"""What the default client of Python 3.12 and of 3.13 says to every chain of netlab.tls.breakage."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.tls.breakage import ACCEPTED, BREAKAGES, FORMALITIES, Breakage
from netlab.tls.recipes import Hierarchy, Served, intact
from tests.kit.programs import python_of

HERE = Path(__file__).parent


def trusting_the_intermediate(good: Hierarchy, now) -> Served:
    """A client that was given the intermediate as its only root."""
    return replace(intact(good, now), root=good.intermediate.certificate)


# Python 3.13 takes any certificate that it is given for a root (VERIFY_X509_PARTIAL_CHAIN). Python 3.12 goes
# on to look for the issuer of the intermediate, and does not find it.
PARTIAL = Breakage(
    "trust in an intermediate", "the client was given the intermediate, and no root", "RFC 5280 §6.1.1 (d)",
    2, 2, "unable to get issuer certificate", "unknown_ca", trusting_the_intermediate, strict=0,
)  # fmt: skip

ROWS = (*BREAKAGES, *FORMALITIES, PARTIAL, *(row for row in ACCEPTED if row.name != "client certificate"))


def verdicts(version: str, folder: Path, laid_out) -> dict[str, list[object]]:
    listed = {}
    for row in ROWS:
        _, files = laid_out(row.make)
        listed[row.name] = [str(files.chain), str(files.key), str(files.root), row.host]
    (folder / "cases.json").write_text(json.dumps(listed))
    command = [str(python_of(version)), str(HERE / "another_python.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_default_client_of_another_python_has_the_codes_of_the_table(
    version: str, laid_out, tmp_path: Path
) -> None:
    """3.13 refuses all that is wrong in form alone, and trusts an intermediate that it is given as a root."""
    found = verdicts(version, tmp_path, laid_out)
    strict = version == "3.13"
    expected = {row.name: row.strict if strict and row.strict is not None else row.lenient for row in ROWS}
    assert {name: code for name, (code, _) in found.items()} == expected
    for row in ROWS:
        if found[row.name][0] == row.hardened:
            assert found[row.name][1] == row.message
