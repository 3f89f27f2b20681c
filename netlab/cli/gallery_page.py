"""The index page of `netlab certs serve`: one self-contained page of HTML, and the text behind each port.

No socket is opened here. The page asks for /told.json every two seconds and writes beside each case how the
last handshake ended for the server.
"""

from __future__ import annotations

import html
import shlex
from collections.abc import Sequence
from pathlib import Path

from netlab.cli.gallery_case import Case
from netlab.tls.breakage import ACCEPTED, BREAKAGES, FORMALITIES, Breakage, Failure

_GROUPS = (
    ("Accepted", "A client that reads the rules accepts these. (Chromium offers no Ed25519.)", ACCEPTED),
    ("Broken", "A careful client refuses each, for the one reason that is named.", BREAKAGES),
    ("A matter of form", "Refused when RFC 5280 is read strictly, as Python does from 3.13 on.", FORMALITIES),
    ("The handshake fails", "The chain is good; something else is not.", None),
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>netlab: broken certificates</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; }}
tr {{ border-bottom: 1px solid #8886; }}
td:last-child {{ min-width: 18rem; }}
code {{ font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }}
small {{ opacity: .8; }}
a {{ color: #0b57d0; }}
@media (prefers-color-scheme: dark) {{ :root {{ background: #121212; }} a {{ color: #8ab4f8; }} }}
</style></head><body><main>
<h1>Broken certificates, each on a port of its own</h1>
<p>Open a link in your browser, copy a command into a terminal, or point your own client at a port. Trust
this root first, else every case fails for the same reason: <a href="/root.pem">root.pem</a>, on this machine
<code>{root}</code>. <code>python -m netlab certs</code> prints how curl, Python, Node, Java and browsers do
it. A program reads <a href="/cases.json">cases.json</a>.</p>
{groups}
</main>
<script>
async function look() {{
  try {{
    const told = await (await fetch("/told.json")).json();
    for (const [name, ends] of Object.entries(told)) {{
      const cell = document.getElementById("told-" + name);
      if (cell) cell.textContent = ends.length ? ends[ends.length - 1] : "no handshake yet";
    }}
  }} catch {{ return; }}
  setTimeout(look, 2000);
}}
look();
</script>
</body></html>
"""

_GROUP = """<h2>{title}</h2><p>{lead}</p>
<div class="scroll" tabindex="0" role="region" aria-label="{title}">
<table><thead><tr>
<th scope="col">case</th><th scope="col">what it is</th><th scope="col">expected</th>
<th scope="col">the server was last told</th><th scope="col">command</th>
</tr></thead><tbody>
{rows}</tbody></table></div>
"""

_ROW = """<tr><th scope="row">{case}</th><td>{wrong}<br><small>{rule}</small></td><td>{expected}</td>
<td id="told-{slug}">no handshake yet</td><td>{command}{files}</td></tr>
"""


def render(cases: Sequence[Case], root: Path) -> str:
    """The whole page.

    Args:
        cases: in the order of the page.
        root: where the common root is on this machine.
    """
    groups = []
    for title, lead, members in _GROUPS:
        rows = [_row(case) for case in cases if _belongs(case, members)]
        groups.append(_GROUP.format(title=title, lead=lead, rows="".join(rows)))
    return _PAGE.format(root=html.escape(str(root)), groups="".join(groups))


def _belongs(case: Case, members: Sequence[Breakage] | None) -> bool:
    if members is None:
        return isinstance(case.row, Failure)
    return case.row in members


def _row(case: Case) -> str:
    row, url = case.row, case.url
    name = html.escape(row.name)
    files = "".join(f'<br><a href="/{case.slug}/{file.name}">{file.name}</a>' for file in case.downloads())
    return _ROW.format(
        slug=case.slug,
        case=f'<a href="{url}">{name}</a>' if url else name,
        wrong=html.escape(row.wrong),
        rule=html.escape(row.rule),
        expected=html.escape(expected(row)),
        command=f"<code>{html.escape(command(case))}</code>" if url else "no server loads these two files",
        files=files,
    )


def expected(row: Breakage | Failure) -> str:
    """What happens, in one line."""
    if isinstance(row, Failure):
        client = row.client.rpartition("ALERT_")[2].lower().replace("_", " ") or "never answered"
        return f"the client: {client}; the server: {row.server.lower().replace('_', ' ')}"
    if not row.hardened:
        return "accepted"
    default = f"Python's default: {row.default}" if row.default else "Python's default client accepts it"
    return f"{row.hardened} {row.message.rstrip('.')} (alert: {row.alert.replace('_', ' ')}). {default}"


def command(case: Case) -> str:
    """The curl command that meets the case: with its root, and with its client certificate if it has one."""
    assert case.url is not None
    words = ["curl", "--cacert", str(case.root)]
    if case.files.client_chain and case.files.client_key:
        words += ["--cert", str(case.files.client_chain), "--key", str(case.files.client_key)]
    return shlex.join([*words, case.url])


def reached(row: Breakage | Failure) -> str:
    """What a client reads that went through with the handshake."""
    wrong = f"{row.name} ({row.rule}): {row.wrong}"
    if isinstance(row, Breakage) and not row.hardened:
        return f"{wrong}. Your client accepted it, and may.\n"
    return f"{wrong}. Your client accepted it. Expected of a careful one: {expected(row)}.\n"
