"""Marks the connection as lost, and tells nobody: who waits for room waits for ever.

caught by: test_a_client_that_leaves_while_it_stalls_closes_the_producer
"""
        # >>> task 4: stop when the client leaves
        self.lost = True

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
