"""Forces the line through 0: no connections, no memory. The server was there before them.

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
    value = sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / (count - 2)
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3
