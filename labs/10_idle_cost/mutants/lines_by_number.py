"""Knows on which line each figure stands, on the author's kernel.

caught by: test_figures_are_found_by_name_since_kernels_list_others_and_in_other_places
"""
    # >>> task 2: read the memory of a process
    lines = text.splitlines()
    try:
        rss, clean, dirty, huge = (int(lines[number].split()[1]) for number in (1, 9, 10, 19))
        return Memory(rss * 1024, (clean + dirty + huge) * 1024, dirty * 1024)
    except (IndexError, ValueError):
        raise Unreadable("too few lines") from None
    # <<< task 2
