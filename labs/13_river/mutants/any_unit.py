"""Takes any unit for bytes.

caught by: test_what_is_not_understood_is_ignored_and_the_whole_is_sent
"""
    # >>> task 5: send the part that a player asks for
    whole = Part(200, 0, size)
    unit, _, ranges = (field or "").partition("=")
    asked = RANGE.fullmatch(ranges)
    if asked is None:
        return whole
    first, last, suffix = (None if digits is None else int(digits) for digits in asked.groups())
    if first is None:
        assert suffix is not None
        first, last = max(0, size - suffix), size - 1
    elif last is not None and last < first:
        return whole
    else:
        last = size - 1 if last is None else min(last, size - 1)
    return Part(206, first, last - first + 1) if first <= last else Part(416)
    # <<< task 5
