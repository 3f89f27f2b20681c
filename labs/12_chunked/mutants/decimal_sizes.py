"""Writes the size in decimal: right up to 9 octets, which is as far as a quick look by hand goes.

caught by: test_a_chunk_is_its_size_in_hexadecimal_and_its_data_each_with_crlf
"""
    # >>> task 1: write a chunk
    if not data:
        return b""
    return b"%d\r\n%b\r\n" % (len(data), data)
    # <<< task 1
