"""Wakes who waits for room: a producer that waits for its disk does not hear it.

caught by: test_a_client_that_leaves_while_the_producer_waits_closes_it
"""
        # >>> task 4: stop when the client leaves
        self.lost = True
        self.room.set()

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
    finally:
        await content.aclose()
    # <<< task 4
