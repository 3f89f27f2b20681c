"""A host is any letters and dots: .example and a..example pass.

caught by: test_every_label_of_a_host_is_whole
"""
    # >>> task 1: read an origin
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?", text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    port = int(digits) if digits else None
    if port is not None and (port > 65535 or port == DEFAULT_PORTS.get(scheme)):
        return None
    return Origin(scheme, host, port)
    # <<< task 1
