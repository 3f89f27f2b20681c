"""Expires everybody in each turn and lets the rules find out who is late: they were told that all are.

caught by: test_an_honest_client_is_served_and_served_again
"""
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None and loop.gate.listening(loop.clock()))
    for key, mask in loop.selector.select(wait):
        if key.data is None:
            accept(loop)
        else:
            loop.serve(key.data, mask)
    for connection in list(loop.connections):
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
