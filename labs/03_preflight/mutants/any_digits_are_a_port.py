"""\\d knows the digits of all scripts, and int() reads them.

caught by: test_a_port_is_ascii_digits_from_1_to_65535
"""
    # >>> task 1: read an origin
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?", text)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    if not host.startswith("[") and not all(LABEL.fullmatch(label) for label in host.split(".")):
        return None
    port = int(digits) if digits else None
    if port is not None and (port > 65535 or port in (0, DEFAULT_PORTS.get(scheme))):
        return None
    return Origin(scheme, host, port)
    # <<< task 1
