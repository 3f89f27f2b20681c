"""Looks for the empty line in each piece by itself: one that is cut between CR and LF is none.

caught by: test_a_head_ends_with_its_empty_line_however_it_is_cut
"""
        # >>> task 3: refuse a head early
        self.held += data
        before = len(self.held) - len(data)
        while True:
            end = self.held.find(b"\n", self.sought) + 1
            size = (end or len(self.held)) - self.line_at
            line = self.held[max(self.line_at, before) : self.line_at + 2]
            empty = line in (b"\r\n", b"\n") and size <= 2 and self.line_at >= before
            if not self.lines and size > self.limits.line:
                raise Refused(414)
            if self.lines and not empty and self.line_at + size - self.section_at > self.limits.section:
                raise Refused(431)
            if not end:
                self.sought = len(self.held)
                return None
            if empty and not self.lines:
                raise Refused(400)
            if empty:
                return bytes(self.held[:end]), bytes(self.held[end:])
            self.lines += 1
            if self.lines == 1:
                self.section_at = end
            if self.lines - 1 > self.limits.lines:
                raise Refused(431)
            self.line_at = self.sought = end
        # <<< task 3
