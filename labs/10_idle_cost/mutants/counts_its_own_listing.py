"""Counts what it sees, the descriptor through which it sees included.

caught by: test_ones_own_count_leaves_out_the_descriptor_of_the_listing
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    return len(names)
    # <<< task 1
