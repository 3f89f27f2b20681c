"""Lets the scheme's own port stand. No browser sends it, so whoever does is no browser.

caught by: test_a_browser_leaves_out_the_schemes_own_port
"""
    # >>> task 1: read an origin
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?", text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    if not host.startswith("[") and not all(LABEL.fullmatch(label) for label in host.split(".")):
        return None
    port = int(digits) if digits else None
    if port is not None and (port > 65535):
        return None
    return Origin(scheme, host, port)
    # <<< task 1
