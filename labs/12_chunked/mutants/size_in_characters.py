"""Counts characters of text, not octets: right as long as all of it is ASCII.

caught by: test_chunk_data_is_any_octets_and_its_size_counts_octets
"""
    # >>> task 1: write a chunk
    if not data:
        return b""
    return b"%x\r\n%b\r\n" % (len(data.decode("utf-8", "replace")), data)
    # <<< task 1
