"""Writes an empty piece as a chunk of size 0: that is the last-chunk, and the rest of the content becomes
the beginning of the next message.

caught by: test_an_empty_piece_writes_nothing_because_size_0_ends_the_content
"""
    # >>> task 1: write a chunk
    return b"%x\r\n%b\r\n" % (len(data), data)
    # <<< task 1
