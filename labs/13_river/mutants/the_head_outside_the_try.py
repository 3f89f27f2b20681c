"""Sends the head before the `try`: who leaves early leaves the file open.

caught by: test_a_client_that_leaves_before_the_first_piece_closes_the_producer
"""
        # >>> task 4: stop when the client leaves
        self.lost = True
        self.room.set()
        if self.task is not None:
            self.task.cancel()
        # <<< task 4
    # >>> task 4: stop when the client leaves
    await connection.send((head,))
    try:
        async for piece in content:
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
