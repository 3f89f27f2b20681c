"""Knows the unit in small letters only.

caught by: test_the_name_of_a_unit_is_the_same_in_capitals
"""
    # >>> task 5: send the part that a player asks for
    whole = Part(200, 0, size)
    unit, _, ranges = (field or "").partition("=")
    asked = RANGE.fullmatch(ranges)
    if unit != "bytes" or asked is None:
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
