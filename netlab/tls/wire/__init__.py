"""TLS on the wire: bytes in, named fields out. Every byte belongs to exactly one field.

Here live the cursor that reads fields (`spans`), the names that IANA has registered (`registry`, `suites`),
the extensions (`extensions`), the handshake messages (`messages`, `keyexchange`), X.509's DER (`der`) and
what each field means in one sentence (`meanings`). No keys, no state: see `netlab.tls.tracer`.
"""
