"""Looks for the word Dirty, and finds the share of somebody else's pages.

caught by: test_kb_means_1024_bytes
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = kib["Private_Clean"] + kib["Private_Dirty"] + kib.get("Private_Hugetlb", 0)
        dirty = next(kib[name] for name in kib if name.endswith("Dirty"))
        return Memory(rss=kib["Rss"] * 1024, uss=own * 1024, written=dirty * 1024)
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2
