"""Stops at size 0: the trailer section is not closed, and the reader waits.

caught by: test_the_ending_of_a_chunked_content_is_the_last_chunk_and_an_empty_line
"""
    # >>> task 2: frame a piece, and end the content
    if not piece:
        return ()
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n" % len(piece), piece, b"\r\n")
    # <<< task 2
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n" if framing is Framing.CHUNKED else b""
    # <<< task 2
