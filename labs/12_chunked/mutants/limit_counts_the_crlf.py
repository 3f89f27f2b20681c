"""Counts CR and LF against the limit: a line of exactly the limit is refused.

caught by: test_a_line_is_refused_at_the_first_byte_beyond_the_limit
"""
        # >>> task 5: take a line from pieces
        end = data.find(b"\n", start) + 1
        stop = end or len(data)
        # Two bytes may be a CRLF. Without the LF, only the CR can be here.
        if len(self.held) + stop - start > limit:
            raise Refused(too_long)
        self.held += data[start:stop]
        if not end:
            return None, stop
        line = bytes(self.held)
        self.held.clear()
        if not line.endswith(CRLF) or b"\r" in line[:-2]:
            raise Refused(Rule.LINE_END)
        return line[:-2], stop
        # <<< task 5
