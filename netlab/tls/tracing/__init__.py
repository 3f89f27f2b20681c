"""The parts of the tracer: what it yields, what it remembers of each side, and how it finds its keys.

Values in `values`; what a conversation says before TLS in `prelude`; messages put together from records in
`assembly`; secrets in `keyring`, `tls13` and `tls12`; the content as HTTP/1.1 in `web`. The way through
them is `netlab.tls.tracer`.
"""
