"""Returns the head and forgets what came with it: the content, or the next request, is lost.

caught by: test_what_follows_a_head_is_handed_back
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
            if empty:
                return bytes(self.held[:end]), b""
            self.lines += 1
            if self.lines == 1:
                self.section_at = end
            if self.lines - 1 > self.limits.lines:
                raise Refused(431)
            self.line_at = self.sought = end
        # <<< task 3
