"""Forgets the CRLF after the data: the size already says where the data ends, so why another mark?

caught by: test_a_chunk_is_its_size_in_hexadecimal_and_its_data_each_with_crlf
"""
    # >>> task 1: write a chunk
    if not data:
        return b""
    return b"%x\r\n%b" % (len(data), data)
    # <<< task 1
