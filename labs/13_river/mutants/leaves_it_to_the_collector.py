"""Closes what was read to its end; the rest is left to the garbage collector, some day.

caught by: test_a_client_that_leaves_while_it_stalls_closes_the_producer
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
        raise
    else:
        connection.transport.close()
        await content.aclose()
    # <<< task 4
