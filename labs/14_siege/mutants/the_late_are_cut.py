"""Cuts whoever is late: a slow reader is one.

caught by: test_a_reader_that_reads_is_kept_and_one_that_does_not_is_cut
"""
    # >>> task 7: turn the loop
    loop.listen(loop.stopping is None and loop.gate.listening(loop.clock()))
    for key, mask in loop.selector.select(wait):
        if key.data is None:
            accept(loop)
        else:
            loop.serve(key.data, mask)
    for connection in loop.deadlines.sweep():
        loop.reset(connection)
    if loop.stopping is not None:
        elapsed = loop.clock() - loop.stopping
        for connection in list(loop.connections):
            decided = fate(connection.phase, connection.heard, elapsed, loop.timeouts)
            if decided is Fate.CLOSE:
                loop.close(connection)
            elif decided is Fate.RESET:
                loop.reset(connection)
    # <<< task 7
