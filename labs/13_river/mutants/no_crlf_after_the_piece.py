"""Forgets the CRLF after the data: the next size is read where it should be.

caught by: test_a_chunk_is_its_size_the_piece_and_crlf
"""
    # >>> task 2: frame a piece, and end the content
    if not piece:
        return ()
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n" % len(piece), piece)
    # <<< task 2
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n\r\n" if framing is Framing.CHUNKED else b""
    # <<< task 2
