"""The command `trace`, cut in parts: where the bytes come from, and how they are told.

Sources: `captures` (files), `live` (a URL, a tapped port), `pasted_bytes`. Tellers: `text`, `jsonlines`.
Between them stands `streams`: packets and chunks become conversations, each with a tracer of its own.
"""
