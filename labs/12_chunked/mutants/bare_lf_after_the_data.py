"""Lets the CR after the data be missing, as old servers do: "hello", LF is one reading, "hell", "o" another.

caught by: test_a_broken_rule_is_refused_by_its_name_however_the_bytes_are_cut
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
                if data[at] == expected:
                    at += 1
                elif data[at] != LF:
                    raise Refused(Rule.DATA_END)
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
