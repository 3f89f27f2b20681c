"""Puts the ending where it is always sent: half a film becomes a whole one.

caught by: test_a_producer_that_fails_breaks_the_connection_and_its_failure_is_raised_on
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
        async for piece in content:
            await connection.send(framed(piece, framing))
    except BaseException:
        connection.transport.write(ending(framing))
        connection.transport.abort()
        raise
    else:
        await connection.send((ending(framing),))
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4
