"""CORS on the server's side: parsed origins, checked policies, pure decisions, and the reasons for them.

    policy = Policy(origins=["https://app.example"], methods=["PUT"], request_headers=["Content-Type"])
    decision = decide(policy, "OPTIONS", fields)       # which fields the response gets, and why

Source: the Fetch standard (https://fetch.spec.whatwg.org). Imports nothing of netlab outside this package.
"""

from netlab.cors.decision import AccessControlConflict, Decision, Kind, decide, merge_vary
from netlab.cors.explain import Change, Explanation, Step, explain
from netlab.cors.fetch_model import HeaderList, PageRequest, cors_check, preflight_checks
from netlab.cors.mistakes import Mistake, PolicyError
from netlab.cors.origin import Origin, OriginPattern, parse_origin, parse_pattern
from netlab.cors.policy import Policy
from netlab.cors.routes import Routes

__all__ = [
    "AccessControlConflict",
    "Change",
    "Decision",
    "Explanation",
    "HeaderList",
    "Kind",
    "Mistake",
    "Origin",
    "OriginPattern",
    "PageRequest",
    "Policy",
    "PolicyError",
    "Routes",
    "Step",
    "cors_check",
    "decide",
    "explain",
    "merge_vary",
    "parse_origin",
    "parse_pattern",
    "preflight_checks",
]
