"""Trusts its caller, whose path comes from a form that somebody else filled in.

caught by: test_nothing_in_the_path_or_the_host_can_write_a_line_of_its_own
"""
    # >>> task 1: write the request
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
    # <<< task 1
