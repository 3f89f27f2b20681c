"""Adds Origin though the handler said it already, in another case.

caught by: test_vary_is_merged_with_the_handlers_own_name_by_name
"""
    # >>> task 6: answer the request
    fields = {}
    origin = request.all("Origin")
    if "*" in policy.origins:
        fields["Access-Control-Allow-Origin"] = "*"
    elif len(origin) == 1 and allows(policy.origins, origin[0]):
        fields["Access-Control-Allow-Origin"] = origin[0]
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
            found.setdefault(name, name)
    return "*" if "*" in found else ", ".join(found.values())
    # <<< task 6
