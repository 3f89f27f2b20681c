"""Takes bytes behind a request for a sign that its client reads: it may send without ever reading.

caught by: test_bytes_of_a_content_or_behind_a_request_begin_nothing
"""
    # >>> task 2: choose the deadline
    beginnings = {
        (Phase.IDLE, Event.BYTES): (Phase.HEAD, timeouts.head),
        (Phase.ANSWER, Event.BYTES): (Phase.ANSWER, timeouts.stall),
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
