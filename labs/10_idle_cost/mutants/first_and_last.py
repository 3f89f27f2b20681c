"""Joins the first point and the last: the rungs between them were climbed for nothing.

caught by: test_all_points_have_a_say_and_not_the_first_and_the_last_alone
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
    value = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
    variance = sum((dy - value * dx) ** 2 for dx, dy in offsets) / (count - 2)
    return Slope(value, student(count - 2) * math.sqrt(variance / spread))
    # <<< task 3
