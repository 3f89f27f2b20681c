"""Takes the end of the connection for the end of the content: half a file, saved as whole.

caught by: test_an_end_inside_the_content_is_an_error
"""
        # >>> task 5: read exactly the content
        pieces = [self.waiting]
        arrived = len(self.waiting)
        while arrived < length:
            piece = self.stream.recv(READ)
            if not piece:
                break
            pieces.append(piece)
            arrived += len(piece)
        octets = b"".join(pieces)
        content, self.waiting = octets[:length], octets[length:]
        return content
        # <<< task 5
