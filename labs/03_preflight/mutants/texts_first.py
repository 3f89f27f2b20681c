"""Equal texts are equal origins: so a policy of null lets every sandboxed frame in.

caught by: test_what_cannot_be_read_is_allowed_by_the_star_alone
"""
    # >>> task 2: match a pattern
    if "*" in origins or text in origins:
        return True
    origin = read_origin(text)
    if origin is None:
        return False
    for pattern in map(read_pattern, origins):
        if pattern is None or pattern.scheme != origin.scheme:
            continue
        below = pattern.subdomains and origin.host.endswith("." + pattern.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
