"""Begins every piece with a chunk-size line: on the loopback interface, messages usually arrive whole.

caught by: test_a_content_is_decoded_however_it_is_cut
"""
        # >>> task 6: decode as the bytes arrive
        pieces = []
        at = 0
        if self.state in (State.DATA, State.DATA_CR, State.DATA_LF):
            self.state = State.SIZE
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
                    if self.content > self.limits.content:
                        raise Refused(Rule.CONTENT_LIMIT)
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
