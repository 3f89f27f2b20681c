"""Counts the field lines when the head is whole: until then 5,000 of them are held, or as many as come.

caught by: test_too_many_field_lines_are_refused_when_one_too_many_has_ended
"""
        # >>> task 3: refuse a head early
        self.held += data
        while True:
            end = self.held.find(b"\n", self.sought) + 1
            size = (end or len(self.held)) - self.line_at
            empty = self.held[self.line_at : self.line_at + 2].rstrip(b"\r\n") == b"" and size <= 2
            if not self.lines and size > self.limits.line:
                raise Refused(414)
            if self.lines and not empty and self.line_at + size - self.section_at > self.limits.section:
                raise Refused(431)
            if not end:
                self.sought = len(self.held)
                return None
            if empty and not self.lines:
                raise Refused(400)
            if empty and self.lines - 1 > self.limits.lines:
                raise Refused(431)
            if empty:
                return bytes(self.held[:end]), bytes(self.held[end:])
            self.lines += 1
            if self.lines == 1:
                self.section_at = end
            self.line_at = self.sought = end
        # <<< task 3
