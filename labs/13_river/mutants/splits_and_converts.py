"""Splits at the hyphen and lets int() decide what a number is: +5, 1_0 and digits of other scripts pass.

caught by: test_what_is_not_understood_is_ignored_and_the_whole_is_sent
"""
    # >>> task 5: send the part that a player asks for
    whole = Part(200, 0, size)
    unit, _, ranges = (field or "").partition("=")
    start, hyphen, end = ranges.partition("-")
    if unit.lower() != "bytes" or not hyphen or not (start or end):
        return whole
    try:
        if not start:
            first, last = max(0, size - int(end)), size - 1
        else:
            first, last = int(start), min(int(end), size - 1) if end else size - 1
            if end and int(end) < first:
                return whole
    except ValueError:
        return whole
    return Part(206, first, last - first + 1) if first <= last else Part(416)
    # <<< task 5
