"""Breaks the connection in any case: a reset may destroy what has not been read yet.

caught by: test_a_response_goes_out_whole_and_ends_the_connection_in_order
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
        connection.transport.abort()
    finally:
        await content.aclose()
    # <<< task 4
