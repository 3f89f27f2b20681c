"""Lists all origins of the policy. A browser compares with one, and denies.

caught by: test_an_allowed_page_gets_its_own_origin_back
"""
    # >>> task 6: answer the request
    fields = {}
    origin = request.all("Origin")
    if "*" in policy.origins:
        fields["Access-Control-Allow-Origin"] = "*"
    elif len(origin) == 1 and allows(policy.origins, origin[0]):
        fields["Access-Control-Allow-Origin"] = ", ".join(policy.origins)
        if policy.credentials:
            fields["Access-Control-Allow-Credentials"] = "true"
    if fields and policy.expose:
        fields["Access-Control-Expose-Headers"] = ", ".join(policy.expose)
    reason = "may be read" if fields else "may not be read"
    return Answer(None, fields, [] if "*" in policy.origins else ["Origin"], reason)
    # <<< task 6
    # >>> task 6: answer the request
    asks = request.all("Origin") and request.all("Access-Control-Request-Method")
    return preflight(policy, request) if request.method == "OPTIONS" and asks else actual(policy, request)
    # <<< task 6
    # >>> task 6: answer the request
    found: dict[str, str] = {}
    for name in [part.strip(" \t") for value in values for part in value.split(",")] + names:
        if name:
            found.setdefault(name.lower(), name)
    return "*" if "*" in found else ", ".join(found.values())
    # <<< task 6
