"""Writes the name alone: a server with several sites behind several ports answers with the wrong one.

caught by: test_host_names_a_port_that_is_not_the_default
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1
