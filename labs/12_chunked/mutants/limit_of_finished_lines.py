"""Measures the line once it is complete: the one that never ends is held for ever.

caught by: test_a_line_is_refused_at_the_first_byte_beyond_the_limit
"""
        # >>> task 5: take a line from pieces
        end = data.find(b"\n", start) + 1
        stop = end or len(data)
        self.held += data[start:stop]
        if not end:
            return None, stop
        line = bytes(self.held)
        if len(line) > limit + 2:
            raise Refused(too_long)
        self.held.clear()
        if not line.endswith(CRLF) or b"\r" in line[:-2]:
            raise Refused(Rule.LINE_END)
        return line[:-2], stop
        # <<< task 5
