"""urlsplit reads addresses, and forgives: a path, a user name and upper case are no origin.

caught by: test_what_has_anything_more_or_less_is_no_origin
"""
    # >>> task 1: read an origin
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    if parts.scheme not in ("http", "https", "chrome-extension") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Origin(parts.scheme, host, parts.port)
    # <<< task 1
