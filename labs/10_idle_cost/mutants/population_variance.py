"""Divides by the number of points, as if nothing had been estimated from them.

caught by: test_the_interval_of_four_points_is_the_one_worked_out_by_hand
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
    value = sum(dx * dy for dx, dy in offsets) / spread
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / count
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3
