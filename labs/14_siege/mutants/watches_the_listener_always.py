"""Watches the listener although nobody can be let in: it is reported for ever, and the loop spins.

caught by: test_a_full_server_does_not_spin
"""
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None)
    for key, mask in loop.selector.select(wait):
        if key.data is None:
            accept(loop)
        else:
            loop.serve(key.data, mask)
    for connection in loop.deadlines.sweep():
        loop.expire(connection)
    if loop.stopping is not None:
        elapsed = loop.clock() - loop.stopping
        for connection in list(loop.connections):
            decided = fate(connection.phase, connection.heard, elapsed, loop.timeouts)
            if decided is Fate.CLOSE:
                loop.close(connection)
            elif decided is Fate.RESET:
                loop.reset(connection)
    # <<< task 7
