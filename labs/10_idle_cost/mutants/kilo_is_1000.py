"""Reads kB as the standards of measure have it; the kernel means 1,024.

caught by: test_kb_means_1024_bytes
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = kib["Private_Clean"] + kib["Private_Dirty"] + kib.get("Private_Hugetlb", 0)
        return Memory(rss=kib["Rss"] * 1000, uss=own * 1000, written=kib["Private_Dirty"] * 1000)
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2
