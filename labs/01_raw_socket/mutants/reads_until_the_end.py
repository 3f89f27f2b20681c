"""Reads until the connection ends, as HTTP/1.0 did.

caught by: test_once_it_is_whole_nothing_more_is_asked_for
"""
        # >>> task 5: read exactly the content
        pieces = [self.waiting]
        arrived = len(self.waiting)
        while piece := self.stream.recv(READ):
            pieces.append(piece)
            arrived += len(piece)
        octets = b"".join(pieces)
        content, self.waiting = octets[:length], octets[length:]
        return content
        # <<< task 5
