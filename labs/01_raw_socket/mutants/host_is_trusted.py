"""Checks the path and forgets that the host is written into a line too.

caught by: test_nothing_in_the_path_or_the_host_can_write_a_line_of_its_own
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1
