"""Draws the line through two points, and is perfectly sure of it.

caught by: test_points_that_cannot_tell_a_slope_from_noise_are_refused
"""
    # >>> task 3: the slope and its interval
    count = len(points)
    if count < 2:
        raise ValueError(f"{count} points: give two or more")
    if count == 2 and points[0][0] != points[1][0]:
        return Slope((points[1][1] - points[0][1]) / (points[1][0] - points[0][0]), 0.0)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    offsets = [(x - mean_x, y - mean_y) for x, y in points]
    spread = sum(dx * dx for dx, _ in offsets)
    if spread == 0:
        raise ValueError("all points have the same number of connections")
    value = sum(dx * dy for dx, dy in offsets) / spread
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / (count - 2)
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3
