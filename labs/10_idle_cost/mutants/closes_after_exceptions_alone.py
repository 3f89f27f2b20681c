"""Closes when the climb breaks off with an Exception; KeyboardInterrupt is none.

caught by: test_ctrl_c_leaves_no_connection_open_either
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
    except Exception:
        server.close()
        raise
    server.close()
    return Climb(start, rungs, steady(server))
    # <<< task 4
