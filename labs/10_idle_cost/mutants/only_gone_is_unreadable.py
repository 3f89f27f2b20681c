"""Expects a process to be gone and nothing else: one that is not ours to see ends the probe.

caught by: test_a_folder_that_cannot_be_listed_is_unreadable_for_whatever_reason
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except FileNotFoundError:
        raise Unreadable(f"process {pid} is gone") from None
    return len(names) - (pid == os.getpid())
    # <<< task 1
