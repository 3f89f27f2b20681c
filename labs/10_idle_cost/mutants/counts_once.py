"""Remembers the count of a process: whoever asks again is told of the past.

caught by: test_each_file_opened_by_this_process_is_one_more
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    seen = globals().setdefault("_seen", {})
    return seen.setdefault((pid, str(proc)), len(names) - (pid == os.getpid()))
    # <<< task 1
