"""A safelisted name excuses every value.

caught by: test_a_safelisted_name_does_not_excuse_its_value
"""
    # >>> task 4: ask first, or not
    if len(value) > 128:
        return False
    match name.lower():
        case "accept":
            return True
        case "accept-language" | "content-language":
            return True
        case "content-type":
            media_type = value.partition(";")[0].strip(" \t").lower()
            return media_type in FORM_TYPES
        case "range":
            return bool(RANGE.fullmatch(value))
    return False
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
