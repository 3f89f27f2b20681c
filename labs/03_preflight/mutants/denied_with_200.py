"""Denies with 200 and no field. It works, and nobody can see in a log that it was a denial.

caught by: test_a_denied_preflight_has_no_access_control_field
"""
    # >>> task 5: answer the preflight
    names, empty = [], 0
    for line in lines:
        for element in line.split(","):
            name = element.strip(" \t")
            if not name:
                empty += 1
                if empty > MAX_EMPTY:
                    return None
            elif TOKEN.fullmatch(name) is None:
                return None
            else:
                names.append(name.lower())
    return names
    # <<< task 5
    # >>> task 5: answer the preflight
    origin, method = request.all("Origin"), request.all("Access-Control-Request-Method")[0]
    names = requested(request.all("Access-Control-Request-Headers"))
    listed = {name.lower() for name in policy.headers}
    known = method in SAFELISTED_METHODS or method in policy.methods
    reason = ""
    if len(origin) != 1 or not allows(policy.origins, origin[0]):
        reason = "origin is not allowed"
    elif not TOKEN.fullmatch(method) or not (known or "*" in policy.methods):
        reason = "method is not allowed"
    elif names is None:
        reason = "headers cannot be read"
    elif not all(name in listed or ("*" in listed and name != "authorization") for name in names):
        reason = "headers are not allowed"
    if reason:
        return Answer(200, {}, PREFLIGHT_VARY, reason)
    fields = {"Access-Control-Allow-Origin": "*" if "*" in policy.origins else origin[0]}
    if policy.methods:
        fields["Access-Control-Allow-Methods"] = ", ".join(policy.methods)
    if policy.headers:
        fields["Access-Control-Allow-Headers"] = ", ".join(policy.headers)
    if policy.credentials:
        fields["Access-Control-Allow-Credentials"] = "true"
    if policy.max_age is not None:
        fields["Access-Control-Max-Age"] = str(policy.max_age)
    return Answer(204, fields, PREFLIGHT_VARY, "allowed")
    # <<< task 5
