"""Lets idle connections stay to the end: every stop takes the whole drain time.

caught by: test_who_is_idle_is_closed_but_not_at_once
"""
    # >>> task 6: end without a loss
    if elapsed >= timeouts.drain:
        return Fate.RESET
    untouched = phase is Phase.IDLE or (phase is Phase.HEAD and not heard)
    return Fate.KEEP
    # <<< task 6
    # >>> task 6: end without a loss
    accept(loop)
    loop.listen(False)
    loop.listener.close()
    loop.stopping = loop.clock()
    # <<< task 6
