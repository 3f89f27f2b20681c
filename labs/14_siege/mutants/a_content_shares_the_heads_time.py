"""One deadline for the whole request: a large upload over a slow link is late before it is half done.

caught by: test_each_phase_brings_its_own_deadline
"""
    # >>> task 2: choose the deadline
    beginnings = {
        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
        (Phase.HEAD, Event.CONTENT_FOLLOWS): (Phase.CONTENT, None),
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
