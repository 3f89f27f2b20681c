"""Cancels the task: everybody else who waits for room waits for ever.

caught by: test_everyone_who_waits_for_room_is_let_go_when_the_client_leaves
"""
        # >>> task 4: stop when the client leaves
        self.lost = True
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
    finally:
        await content.aclose()
    # <<< task 4
