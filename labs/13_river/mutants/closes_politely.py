"""Ends the connection in order whatever has happened: by Content-Length one sees it, in a stream until close
nobody does.

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
        connection.transport.close()
        raise
    else:
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4
