"""Waits for who has begun, as long as it takes: one endless upload, and the process never exits.

caught by: test_a_stop_does_not_wait_for_ever
"""
    # >>> task 6: end without a loss
    untouched = phase is Phase.IDLE or (phase is Phase.HEAD and not heard)
    if untouched and elapsed >= timeouts.grace:
        return Fate.CLOSE
    return Fate.KEEP
    # <<< task 6
    # >>> task 6: end without a loss
    accept(loop)
    loop.listen(False)
    loop.listener.close()
    loop.stopping = loop.clock()
    # <<< task 6
