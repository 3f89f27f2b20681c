"""startswith: https://app.example.evil.test begins well.

caught by: test_an_origin_allows_itself_and_nothing_that_looks_like_it
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
        same = not pattern.subdomains and origin.host.startswith(pattern.host)
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
