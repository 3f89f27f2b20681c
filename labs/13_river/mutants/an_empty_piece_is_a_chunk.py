"""Frames an empty piece like any other: size 0 is the last-chunk.

caught by: test_an_empty_piece_writes_nothing
"""
    # >>> task 2: frame a piece, and end the content
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n" % len(piece), piece, b"\r\n")
    # <<< task 2
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n\r\n" if framing is Framing.CHUNKED else b""
    # <<< task 2
