"""Sends what the URL holds: "GET  HTTP/1.1", two spaces with nothing between.

caught by: test_an_empty_path_is_asked_for_as_a_slash
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1
