"""`in` on the text of the policy: evil-app.example is in there somewhere.

caught by: test_an_origin_allows_itself_and_nothing_that_looks_like_it
"""
    # >>> task 2: match a pattern
    if "*" in origins:
        return True
    origin = read_origin(text)
    if origin is None:
        return False
    if any(entry in text for entry in origins):
        return True
    for pattern in map(read_pattern, origins):
        if pattern is None or pattern.scheme != origin.scheme:
            continue
        below = pattern.subdomains and origin.host.endswith("." + pattern.host)
        same = not pattern.subdomains and origin.host == pattern.host
        if (below or same) and (pattern.any_port or pattern.port == origin.port):
            return True
    return False
    # <<< task 2
