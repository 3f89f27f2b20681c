"""Takes the highest descriptor for their number, though closing leaves gaps.

caught by: test_every_name_in_the_folder_is_one_descriptor
"""
    # >>> task 1: count the open descriptors
    try:
        names = os.listdir(proc / str(pid) / "fd")
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    return max(map(int, names)) + 1 - (pid == os.getpid())
    # <<< task 1
