"""Collects the pieces to send them in one go: read() with more steps.

caught by: test_the_next_piece_is_asked_for_when_this_one_has_been_sent
"""
        # >>> task 4: stop when the client leaves
        self.lost = True
        self.room.set()
        if self.task is not None:
            self.task.cancel()
        # <<< task 4
    # >>> task 4: stop when the client leaves
    try:
        await connection.send((head,))
        for piece in [piece async for piece in content]:
            await connection.send(framed(piece, framing))
        await connection.send((ending(framing),))
    except BaseException:
        connection.transport.abort()
        raise
    else:
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4
