"""Lingers for as long as bytes come: a refused client that goes on sending stays, refused, for ever.

caught by: test_after_the_last_word_nothing_prolongs_the_end
"""
    # >>> task 2: choose the deadline
    beginnings = {
        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
        (Phase.LINGER, Event.BYTES): (Phase.LINGER, timeouts.linger),
        (Phase.HEAD, Event.CONTENT_FOLLOWS): (Phase.CONTENT, timeouts.content),
        (Phase.HEAD, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.CONTENT, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.ANSWER, Event.ANSWERED): (Phase.IDLE, timeouts.idle),
        (Phase.ANSWER, Event.LAST_SAID): (Phase.LINGER, timeouts.linger),
    }
    return beginnings.get((phase, event), (phase, None))
    # <<< task 2
    # >>> task 2: choose the deadline
    if phase in (Phase.CONTENT, Phase.ANSWER) and moved:
        return Late.AGAIN
    if phase is Phase.ANSWER:
        return Late.RESET
    if phase is Phase.CONTENT or (phase is Phase.HEAD and heard):
        return Late.REFUSE
    return Late.CLOSE
    # <<< task 2
