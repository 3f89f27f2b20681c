"""re.IGNORECASE, because host names ignore case. Browsers have lowered them already.

caught by: test_a_browser_sends_scheme_and_host_in_lower_case_ascii
"""
    # >>> task 1: read an origin
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?", text.lower())
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
