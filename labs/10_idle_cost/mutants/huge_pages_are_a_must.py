"""Wants every figure, even one that an older kernel does not know.

caught by: test_figures_are_found_by_name_since_kernels_list_others_and_in_other_places
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = kib["Private_Clean"] + kib["Private_Dirty"] + kib["Private_Hugetlb"]
        return Memory(rss=kib["Rss"] * 1024, uss=own * 1024, written=kib["Private_Dirty"] * 1024)
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2
