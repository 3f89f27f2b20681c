"""Closes whoever is late without a word: a slow client never learns why, and tries again.

caught by: test_a_request_that_has_begun_is_refused_and_silence_is_closed
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
    if phase in (Phase.CONTENT, Phase.ANSWER) and moved:
        return Late.AGAIN
    if phase is Phase.ANSWER:
        return Late.RESET
    if phase is Phase.CONTENT:
        return Late.REFUSE
    return Late.CLOSE
    # <<< task 2
