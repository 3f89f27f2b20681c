"""Takes a warm-up of any size: the memory it leaves behind pays for the first steps.

caught by: test_a_warm_up_above_the_first_step_is_refused_before_anything_is_opened
"""
    # >>> task 4: climb the ladder
    before = server.read()
    for _ in range(attempts - 1):
        server.pause()
        after = server.read()
        moved = abs(after.memory.written - before.memory.written)
        if after.descriptors == before.descriptors and moved < AGREE:
            return after
        before = after
    raise Unsteady(f"no two of {attempts} readings agree")
    # <<< task 4
    # >>> task 4: climb the ladder
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
