"""Collects a chunk before it hands it out: the first octet comes late, and the sender decides how much
memory is held (a chunk may say 1 GiB).

caught by: test_what_has_arrived_of_a_chunk_is_handed_out_at_once
"""
        # >>> task 6: decode as the bytes arrive
        pieces = []
        at = 0
        while at < len(data):
            if self.state is State.DATA:
                piece = data[at : at + self.left]
                self.rest += piece
                at += len(piece)
                self.left -= len(piece)
                if not self.left:
                    pieces.append(self.rest)
                    self.rest = b""
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
