"""Ends every content with the last-chunk: after a Content-Length, it is read as the next response.

caught by: test_by_content_length_a_piece_has_no_frame_and_the_content_no_ending
"""
    # >>> task 2: frame a piece, and end the content
    if not piece:
        return ()
    if framing is Framing.LENGTH:
        return (piece,)
    return (b"%x\r\n" % len(piece), piece, b"\r\n")
    # <<< task 2
    # >>> task 2: frame a piece, and end the content
    return b"0\r\n\r\n"
    # <<< task 2
