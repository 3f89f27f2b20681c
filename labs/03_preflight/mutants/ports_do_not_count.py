"""Compares scheme and host. Another port is another server, and maybe another owner.

caught by: test_another_scheme_or_port_is_another_origin
"""
    # >>> task 2: match a pattern
    if "*" in origins:
        return True
    origin = read_origin(text)
    if origin is None:
        return False
    for pattern in map(read_pattern, origins):
        if pattern is None or pattern.scheme != origin.scheme:
            continue
        below = pattern.subdomains and origin.host.endswith("." + pattern.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same):
            return True
    return False
    # <<< task 2
