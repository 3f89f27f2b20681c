"""Returns the last piece as the line: what was held of it is forgotten.

caught by: test_a_line_is_collected_however_it_is_cut
"""
        # >>> task 5: take a line from pieces
        end = data.find(b"\n", start) + 1
        stop = end or len(data)
        # Two bytes may be a CRLF. Without the LF, only the CR can be here.
        if len(self.held) + stop - start > limit + (2 if end else 1):
            raise Refused(too_long)
        self.held += data[start:stop]
        if not end:
            return None, stop
        line = data[start:stop]
        self.held.clear()
        if not line.endswith(CRLF) or b"\r" in line[:-2]:
            raise Refused(Rule.LINE_END)
        return line[:-2], stop
        # <<< task 5
