"""Looks at the headers alone: PUT and DELETE just go.

caught by: test_every_method_but_get_head_and_post_asks_first
"""
    # >>> task 4: ask first, or not
    if len(value) > 128:
        return False
    match name.lower():
        case "accept":
            return not UNSAFE_OCTET.search(value)
        case "accept-language" | "content-language":
            return bool(LANGUAGE.fullmatch(value))
        case "content-type":
            media_type = value.partition(";")[0].strip(" \t").lower()
            return not UNSAFE_OCTET.search(value) and media_type in FORM_TYPES
        case "range":
            return bool(RANGE.fullmatch(value))
    return False
    # <<< task 4
    # >>> task 4: ask first, or not
    safe = [(name, value) for name, value in headers if safelisted(name, value)]
    names = {name.lower() for name, value in headers if not safelisted(name, value)}
    if sum(len(value) for _, value in safe) > 1024:
        names |= {name.lower() for name, _ in safe}
    if names:
        return sorted(names)
    return None
    # <<< task 4
