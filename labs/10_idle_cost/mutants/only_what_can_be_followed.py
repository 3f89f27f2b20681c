"""Counts the names that lead to a file. Sockets, the very thing to be counted, lead to none.

caught by: test_every_name_in_the_folder_is_one_descriptor
"""
    # >>> task 1: count the open descriptors
    try:
        folder = proc / str(pid) / "fd"
        names = [each for each in os.listdir(folder) if os.path.isfile(folder / each)]
    except OSError as failure:
        raise Unreadable(f"process {pid}: {failure.strerror}") from None
    return len(names) - (pid == os.getpid())
    # <<< task 1
