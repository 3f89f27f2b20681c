"""Checks the end of the line but not its middle, where a lone CR may be a line end to somebody else.

caught by: test_a_cr_or_lf_that_stands_alone_is_refused_however_it_is_cut
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
        line = bytes(self.held)
        self.held.clear()
        if not line.endswith(CRLF):
            raise Refused(Rule.LINE_END)
        return line[:-2], stop
        # <<< task 5
