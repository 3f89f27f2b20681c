"""Closes whoever is in HEAD: a request that has come in part is lost.

caught by: test_who_has_begun_may_finish
"""
    # >>> task 6: end without a loss
    if elapsed >= timeouts.drain:
        return Fate.RESET
    untouched = phase is Phase.IDLE or phase is Phase.HEAD
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
