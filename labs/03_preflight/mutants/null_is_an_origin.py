"""Lets null stand: a browser sends it, after all. Everybody's browser.

caught by: test_an_entry_that_is_no_origin_is_a_mistake
"""
    # >>> task 3: refuse a policy that cannot be right
    wrong = []
    if isinstance(policy.origins, str) or not policy.origins or not sound_origins(policy):
        wrong.append("origins")
    for setting in ("methods", "headers", "expose"):
        names = getattr(policy, setting)
        odd = isinstance(names, str) or not all(TOKEN.fullmatch(name) for name in names)
        case = setting == "methods" and any(
            name.upper() in NORMALIZED_METHODS and name != name.upper() for name in names
        )
        if odd or case or (policy.credentials and "*" in names):
            wrong.append(setting)
    if policy.max_age is not None and not 0 <= policy.max_age <= 86_400:
        wrong.append("max_age")
    return wrong
    # <<< task 3
    # >>> task 3: refuse a policy that cannot be right
    for entry in policy.origins:
        if entry == "null":
            continue
        if entry == "*":
            if policy.credentials:
                return False
            continue
        pattern = read_pattern(entry)
        if pattern is None:
            return False
        local = pattern.host in ("localhost", "127.0.0.1", "[::1]") or pattern.host.endswith(".localhost")
        if policy.credentials and pattern.scheme != "https" and not local:
            return False
    return True
    # <<< task 3
