"""Leaves out the clean private pages, which would come back as well.

caught by: test_uss_is_what_this_process_alone_maps_clean_dirty_and_huge
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = 0 * kib["Private_Clean"] + kib["Private_Dirty"] + kib.get("Private_Hugetlb", 0)
        return Memory(rss=kib["Rss"] * 1024, uss=own * 1024, written=kib["Private_Dirty"] * 1024)
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2
