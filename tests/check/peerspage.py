"""The sentences of netlab/check/PEERS.md; `peers` fills in the tables."""

PAGE = """# Four servers, judged

`python -m tests.check.peers` wrote this page. It started each server with an app that reads the whole
content and answers 200, and ran `netlab check` on it. A long test (`make soak`) runs the four again and
holds the MUST table for the versions named here.

{summary}

How to read it:

- **MUST**: the RFC says MUST or MUST NOT, and says it of the server. Where the RFC allows two ways
  ("refuse, or replace the fold by spaces"), both pass. The wire cases say so with `or:`.
- **SHOULD**: the RFC says SHOULD. Most of them rest on RFC 9112 §2.2: a server should answer 400 to what
  does not match the grammar, with no MUST.
- **Half-close**: granian answers a client that has closed its side, or closes first, as chance has it. So the
  long test does not hold that group.
- **policy**: the RFC leaves the choice. netlab takes the strict way, and a server that takes the other
  breaks nothing.
- A refusal is any 4xx that refuses a message as such, 501, 505, another 5xx that correct requests do not
  get, or a close without an answer. A 404 or 405 means that the request was read and taken.

## MUST: broken by these servers

{must}

## SHOULD: not followed

{should}

## Beside a public suite

{suite}, has {scored} scored cases. It was read, and its cases were run against the same servers on this
machine. Its code is not in this repository. Cases that fail by its own scoring here, and in brackets in an
earlier run by others, whose versions we do not know:
{figures}. Of netlab it fails {netlab}; both are argued below.

The table has every case that it fails for at least one of these servers, and one that it passes where
netlab check does not. "both": it and netlab check say that the server fails. "suite" and "netlab": only
that one says so. They agree on all four servers in {agreed} of {listed} rows. The level is netlab
check's: the suite says MUST in many rows where the RFC has a SHOULD, or a choice.

{table}

Why they differ:

{reasons}

### The other cases of the suite

The suite fails none of the four servers for its other {rest} cases, and it does not fail netlab. So there
is no difference to argue case by case. What they ask is asked by these groups of netlab check:

{others}

nginx is configured as the suite does (a script that reads the content) for the suite's column, and with
`return 200` for netlab check.
"""
