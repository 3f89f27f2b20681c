"""`$` also matches before a line end at the end.

caught by: test_what_has_anything_more_or_less_is_no_origin
"""
    # >>> task 1: read an origin
    found = re.match(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?$", text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    if not host.startswith("[") and not all(LABEL.fullmatch(label) for label in host.split(".")):
        return None
    port = int(digits) if digits else None
    if port is not None and (port > 65535 or port == DEFAULT_PORTS.get(scheme)):
        return None
    return Origin(scheme, host, port)
    # <<< task 1
