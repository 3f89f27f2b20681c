"""Thinks of CR LF alone; a space ends the request target just as well.

caught by: test_nothing_in_the_path_or_the_host_can_write_a_line_of_its_own
"""
    # >>> task 1: write the request
    if "\r\n" in host + path:
        raise ValueError("no line ends")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1
