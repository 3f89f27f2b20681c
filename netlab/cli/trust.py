"""How each client is told to trust the root: one command for each, as `netlab certs` prints them.

Each command is run by a test wherever its program is installed. Nothing here changes a trust store by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

# A client's name, and its command. {root} and {url} are quoted for a POSIX shell; {address} stands inside a
# string of the program that the shell's single quotes enclose.
_COMMANDS = (
    ("curl", "curl --cacert {root} {url}"),
    (
        "Python: ssl, urllib, httpx, aiohttp",
        "SSL_CERT_FILE={root} python3 -c "
        """'import urllib.request as u; print(u.urlopen("{address}").read())'""",
    ),
    (
        "Python: requests",
        "REQUESTS_CA_BUNDLE={root} python3 -c "
        """'import requests as r; print(r.get("{address}").content)'""",
    ),
    (
        "Node",
        """NODE_EXTRA_CA_CERTS={root} node -e 'fetch("{address}").then(r => r.text()).then(console.log)'""",
    ),
    (
        "Java: make a trust store",
        "keytool -importcert -noprompt -alias netlab -file {root} "
        "-keystore netlab.p12 -storetype PKCS12 -storepass changeit",
    ),
    (
        "Java: use it",
        "java -Djavax.net.ssl.trustStore=netlab.p12 -Djavax.net.ssl.trustStorePassword=changeit YOUR.java",
    ),
    ("Chromium on Linux", 'certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n netlab -i {root}'),
    (
        "all programs of a Debian or Ubuntu",
        "sudo cp {root} /usr/local/share/ca-certificates/netlab.crt && sudo update-ca-certificates",
    ),
    ("macOS", "security add-trusted-cert -k ~/Library/Keychains/login.keychain-db {root}"),
    ("Windows", "certutil -user -addstore Root {root}"),
)

_FIREFOX = "Settings, Privacy & Security, View Certificates, Authorities, Import"


def commands(root: Path, url: str) -> Iterator[tuple[str, str]]:
    """Pairs of client and command, for a POSIX shell.

    Args:
        root: the root certificate, PEM.
        url: what the command asks for, where it asks for anything: a URL without quotes in it.
    """
    for client, command in _COMMANDS:
        yield client, command.format(root=shlex.quote(str(root)), url=shlex.quote(url), address=url)
    yield "Firefox", f"{_FIREFOX}: {root}"
