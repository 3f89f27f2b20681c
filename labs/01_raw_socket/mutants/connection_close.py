"""Asks the server to close: the easy way to know where the content ends, and no second exchange.

caught by: test_a_request_is_its_request_line_host_and_an_empty_line
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n".encode("ascii")
    # <<< task 1
