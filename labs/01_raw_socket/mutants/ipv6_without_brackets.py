"""Takes an IPv6 address for a name: which of its colons begins the port?

caught by: test_an_ipv6_address_stands_in_brackets
"""
    # >>> task 1: write the request
    if not VISIBLE.fullmatch(host + path):
        raise ValueError(f"host {host!r} and path {path!r} may hold visible ASCII only")
    authority = host
    if port != DEFAULT_PORT:
        authority += f":{port}"
    return f"GET {path or '/'} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")
    # <<< task 1
