"""Serves whom the selector reports, and nobody else: who says nothing is never reported.

caught by: test_slow_heads_leave_and_make_room_for_others
"""
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None and loop.gate.listening(loop.clock()))
    for key, mask in loop.selector.select(wait):
        if key.data is None:
            accept(loop)
        else:
            loop.serve(key.data, mask)
    if loop.stopping is not None:
        elapsed = loop.clock() - loop.stopping
        for connection in list(loop.connections):
            decided = fate(connection.phase, connection.heard, elapsed, loop.timeouts)
            if decided is Fate.CLOSE:
                loop.close(connection)
            elif decided is Fate.RESET:
                loop.reset(connection)
    # <<< task 7
