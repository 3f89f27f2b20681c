"""A deadline is a deadline: whoever needs longer than a window for its download is cut, however it reads.

caught by: test_a_content_or_an_answer_that_moves_goes_on
"""
    # >>> task 2: choose the deadline
    beginnings = {
        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
        (Phase.HEAD, Event.CONTENT_FOLLOWS): (Phase.CONTENT, timeouts.content),
        (Phase.HEAD, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.CONTENT, Event.REQUEST_WHOLE): (Phase.ANSWER, timeouts.stall),
        (Phase.ANSWER, Event.ANSWERED): (Phase.IDLE, timeouts.idle),
        (Phase.ANSWER, Event.LAST_SAID): (Phase.LINGER, timeouts.linger),
    }
    return beginnings.get((phase, event), (phase, None))
    # <<< task 2
    # >>> task 2: choose the deadline
    if phase is Phase.ANSWER:
        return Late.RESET
    if phase is Phase.CONTENT or (phase is Phase.HEAD and heard):
        return Late.REFUSE
    return Late.CLOSE
    # <<< task 2
