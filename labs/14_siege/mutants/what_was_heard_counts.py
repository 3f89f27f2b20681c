"""Asks only whether anything was ever heard: an idle connection never leaves.

caught by: test_what_was_heard_before_an_idle_time_does_not_count
"""
    # >>> task 6: end without a loss
    if elapsed >= timeouts.drain:
        return Fate.RESET
    untouched = phase in (Phase.IDLE, Phase.HEAD) and not heard
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
