"""Breaks the connection and keeps the reason to itself: nobody learns that the disk is failing.

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
        await connection.send((ending(framing),))
    except BaseException:
        connection.transport.abort()
    else:
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4
