"""Divides what the server holds by its connections: each is charged with a part of the interpreter.

caught by: test_what_the_server_needs_anyway_is_charged_to_no_connection
"""
    # >>> task 3: the slope and its interval
    count = len(points)
    if count < 3:
        raise ValueError(f"{count} points: give three or more")
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    offsets = [(x - mean_x, y - mean_y) for x, y in points]
    spread = sum(dx * dx for dx, _ in offsets)
    if spread == 0:
        raise ValueError("all points have the same number of connections")
    value = points[-1][1] / points[-1][0]
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / (count - 2)
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3
