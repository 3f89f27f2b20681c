"""Takes a cancellation for its own affair: whoever cancelled the task never learns that it has ended.

caught by: test_a_cancellation_breaks_the_connection_and_is_passed_on
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
    except asyncio.CancelledError:
        connection.transport.abort()
    except BaseException:
        connection.transport.abort()
        raise
    else:
        connection.transport.close()
    finally:
        await content.aclose()
    # <<< task 4
