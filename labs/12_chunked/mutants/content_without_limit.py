"""Adds up the sizes but never looks at the sum: chunked content has no Content-Length that could warn.

caught by: test_content_lines_and_trailers_have_limits
"""
        # >>> task 6: decode as the bytes arrive
        pieces = []
        at = 0
        while at < len(data):
            if self.state is State.DATA:
                piece = data[at : at + self.left]
                pieces.append(piece)
                at += len(piece)
                self.left -= len(piece)
                if not self.left:
                    self.state = State.DATA_CR
            elif self.state in (State.DATA_CR, State.DATA_LF):
                expected, following = (CR, State.DATA_LF) if self.state is State.DATA_CR else (LF, State.SIZE)
                if data[at] != expected:
                    raise Refused(Rule.DATA_END)
                at += 1
                self.state = following
            elif self.state is State.SIZE:
                line, at = self.lines.take(data, at, self.limits.line, Rule.LINE_LIMIT)
                if line is not None:
                    self.left = chunk_size(line)
                    self.content += self.left
                    self.state = State.DATA if self.left else State.TRAILERS
            elif self.state is State.TRAILERS:
                room = self.limits.trailers - self.section
                line, at = self.lines.take(data, at, room, Rule.TRAILER_LIMIT)
                if line:
                    self.section += len(line)
                    self.trailers.append(trailer_field(line))
                elif line == b"":
                    self.state = State.DONE
            else:
                self.rest += data[at:]
                break
        return pieces
        # <<< task 6
