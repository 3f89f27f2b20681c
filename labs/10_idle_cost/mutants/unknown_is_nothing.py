"""Calls a process that is gone one without descriptors.

caught by: test_a_process_that_is_not_there_is_unreadable_and_not_0
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError:
        return 0
    return len(names) - (pid == os.getpid())
    # <<< task 1
