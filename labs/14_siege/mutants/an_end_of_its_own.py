"""Closes everybody who is idle as soon as it may: a request on its way is lost.

caught by: test_after_a_stop_requests_are_answered_with_close_and_the_idle_are_let_go
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
            if connection.phase in (Phase.IDLE, Phase.HEAD):
                loop.close(connection)
            elif decided is Fate.RESET:
                loop.reset(connection)
    # <<< task 7
