"""Waits until the memory is back where it was at first, which after new connections it never is.

caught by: test_a_reading_is_steady_when_the_next_one_agrees_and_the_later_one_counts
"""
    # >>> task 4: climb the ladder
    before = server.read()
    for _ in range(attempts - 1):
        server.pause()
        after = server.read()
        moved = abs(after.memory.written - before.memory.written)
        if after.descriptors == before.descriptors and moved < AGREE:
            return after
    raise Unsteady(f"no two of {attempts} readings agree")
    # <<< task 4
    # >>> task 4: climb the ladder
    if warmup > steps[0]:
        raise ValueError(f"a warm-up of {warmup} connections is more than the first step, {steps[0]}")
    rungs = []
    try:
        server.open(warmup)
        server.close()
        start = steady(server)
        for step in steps:
            server.open(step)
            rungs.append((step, steady(server)))
    finally:
        server.close()
    return Climb(start, rungs, steady(server))
    # <<< task 4
