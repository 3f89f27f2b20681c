"""Asks for X- headers. Authorization is the one that matters.

caught by: test_a_header_that_no_form_sets_is_asked_for_by_its_name
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
    return not name.lower().startswith("x-")
    # <<< task 4
    # >>> task 4: ask first, or not
    safe = [(name, value) for name, value in headers if safelisted(name, value)]
    names = {name.lower() for name, value in headers if not safelisted(name, value)}
    if sum(len(value) for _, value in safe) > 1024:
        names |= {name.lower() for name, _ in safe}
    if names or method not in SAFELISTED_METHODS:
        return sorted(names)
    return None
    # <<< task 4
