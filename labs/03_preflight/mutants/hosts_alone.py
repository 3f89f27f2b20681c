"""Compares hosts. http:// of the same host is what an attacker on the way can play.

caught by: test_another_scheme_or_port_is_another_origin
"""
    # >>> task 2: match a pattern
    if "*" in origins:
        return True
    origin = read_origin(text)
    if origin is None:
        return False
    for pattern in map(read_pattern, origins):
        if pattern is None:
            continue
        below = pattern.subdomains and origin.host.endswith("." + pattern.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
