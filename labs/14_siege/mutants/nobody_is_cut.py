"""Closes the idle and waits for the rest. The rest has time.

caught by: test_after_a_stop_nobody_stays_longer_than_the_drain
"""
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None and loop.gate.listening(loop.clock()))
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
    # <<< task 7
