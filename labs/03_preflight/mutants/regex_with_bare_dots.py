"""Makes a regular expression of the pattern and forgets that a dot stands for any letter, and to anchor it.

caught by: test_a_neighbour_whose_name_ends_alike_is_not_below
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
        below = pattern.subdomains and re.match(".+" + pattern.host, origin.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
