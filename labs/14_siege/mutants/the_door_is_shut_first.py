"""Closes the listener and is done: those whom the kernel has let in are reset, though they were promised an answer.

caught by: test_who_stands_in_the_queue_when_the_signal_comes_is_let_in
"""
    # >>> task 6: end without a loss
    if elapsed >= timeouts.drain:
        return Fate.RESET
    untouched = phase is Phase.IDLE or (phase is Phase.HEAD and not heard)
    if untouched and elapsed >= timeouts.grace:
        return Fate.CLOSE
    return Fate.KEEP
    # <<< task 6
    # >>> task 6: end without a loss
    loop.listen(False)
    loop.listener.close()
    loop.stopping = loop.clock()
    # <<< task 6
