"""Treats data as a line of text and strips the white space around it.

caught by: test_chunk_data_is_any_octets_and_its_size_counts_octets
"""
    # >>> task 1: write a chunk
    if not data:
        return b""
    return b"%x\r\n%b\r\n" % (len(data.strip()), data.strip())
    # <<< task 1
