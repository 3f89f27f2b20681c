"""Takes one off whoever is counted: the listing is open in our process, not in theirs.

caught by: test_the_listing_of_another_process_costs_that_process_nothing
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    return len(names) - 1
    # <<< task 1
