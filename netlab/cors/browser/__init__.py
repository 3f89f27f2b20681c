"""The browser's half of CORS: a model of the Fetch standard, and `explain`, which plays a request through it.

Pure like the rest of `netlab.cors`. A server does not load this package; labs, tests and the command
`netlab cors explain` do.
"""

from netlab.cors.browser.explain import Change, Explanation, Step, explain
from netlab.cors.browser.fetch_model import HeaderList, PageRequest, cors_check, preflight_checks

__all__ = [
    "Change",
    "Explanation",
    "HeaderList",
    "PageRequest",
    "Step",
    "cors_check",
    "explain",
    "preflight_checks",
]
