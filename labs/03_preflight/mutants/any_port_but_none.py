"""Any port, but there must be one: http://localhost is left out.

caught by: test_any_port_means_every_port_and_the_schemes_own
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
        if (below or same) and ((pattern.any_port and origin.port) or pattern.port == origin.port and not pattern.any_port):
            return True
    return False
    # <<< task 2
