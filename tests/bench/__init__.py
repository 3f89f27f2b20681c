"""`make bench`: netlab beside the servers that people deploy, measured so that a sceptic has little to say.

How it is kept honest:

- Side by side in one run. All servers of a scenario are up; they are loaded in turn, A B C A B C …, so that
  a machine that slows down or speeds up does so for all. A ratio is taken within one round, and what is shown
  is the median of the rounds with the lowest and the highest.
- One core for the server, whatever it is; the load generator has another. Each server runs one worker, writes
  no access log, has the same certificate, and gives the same 17 octets of JSON.
- Every answer is looked at before it is timed: status, content, framing, persistence, TLS version. A run in
  which anything failed is disqualified, and says so.
- CPU time per request, from the system's own account of the server's processes, stands beside requests per
  second: it does not move when a neighbour is busy or when the load generator is the slower of the two.
- What a machine cannot show is "not shown", with the way to mend it; it is never counted.

The way of a run: `options` → `machine` (cores, tools, versions) → `scenarios` (what is measured) → `runner`
(who, in which order) → `loads` (one visit to one server) → `figures` (medians, ratios) → `report` and `plot`.
"""
