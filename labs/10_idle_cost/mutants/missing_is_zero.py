"""Takes 0 for every figure it does not find: the process that is just ending seems to cost nothing.

caught by: test_a_text_that_lacks_a_figure_is_unreadable_and_not_0
"""
    # >>> task 2: read the memory of a process
    kib = {name: int(number) for name, number in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.MULTILINE)}
    own = kib.get("Private_Clean", 0) + kib.get("Private_Dirty", 0) + kib.get("Private_Hugetlb", 0)
    return Memory(rss=kib.get("Rss", 0) * 1024, uss=own * 1024, written=kib.get("Private_Dirty", 0) * 1024)
    # <<< task 2
