"""Pastes size, piece and CRLF into one: a second megabyte for every megabyte.

caught by: test_the_piece_goes_out_as_it_is_and_not_as_a_copy
"""
    # >>> task 2: frame a piece, and end the content
    if not piece:
        return ()
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n%b\r\n" % (len(piece), piece),)
    # <<< task 2
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n\r\n" if framing is Framing.CHUNKED else b""
    # <<< task 2
