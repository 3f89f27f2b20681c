"""Counts the empty line among the fields: a section of just the limit is refused by its own end.

caught by: test_a_line_of_just_the_limit_is_heard
"""
        # >>> task 3: refuse a head early
        self.held += data
        while True:
            end = self.held.find(b"\n", self.sought) + 1
            size = (end or len(self.held)) - self.line_at
            empty = self.held[self.line_at : self.line_at + 2].rstrip(b"\r\n") == b"" and size <= 2
            if not self.lines and size > self.limits.line:
                raise Refused(414)
            if self.lines and self.line_at + size - self.section_at > self.limits.section:
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
