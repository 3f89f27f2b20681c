"""Hands out the kernel's numbers as they are: kilobytes where bytes are expected.

caught by: test_kb_means_1024_bytes
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    try:
        own = kib["Private_Clean"] + kib["Private_Dirty"] + kib.get("Private_Hugetlb", 0)
        return Memory(rss=kib["Rss"], uss=own, written=kib["Private_Dirty"])
    except KeyError as missing:
        raise Unreadable(f"no figure {missing} in it") from None
    # <<< task 2
