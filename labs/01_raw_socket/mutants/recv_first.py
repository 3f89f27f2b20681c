"""Asks first and counts then: with nothing left to come it waits for ever.

caught by: test_once_it_is_whole_nothing_more_is_asked_for
"""
        # >>> task 5: read exactly the content
        pieces = [self.waiting]
        arrived = len(self.waiting)
        while True:
            piece = self.stream.recv(READ)
            if not piece:
                raise EndedEarly("the connection ended")
            pieces.append(piece)
            arrived += len(piece)
            if arrived >= length:
                break
        octets = b"".join(pieces)
        content, self.waiting = octets[:length], octets[length:]
        return content
        # <<< task 5
