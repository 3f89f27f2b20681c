"""The star of a certificate: one label and no more.

caught by: test_a_star_stands_for_one_or_more_whole_labels
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
        below = pattern.subdomains and origin.host.partition(".")[2] == pattern.host
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
