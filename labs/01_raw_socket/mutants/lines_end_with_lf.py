"""Ends its lines as a text file does: many servers let it pass, the standard does not.

caught by: test_a_request_is_its_request_line_host_and_an_empty_line
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\nHost: {authority}\n\n".encode("ascii")
    # <<< task 1
