"""The straight line through measured points: slope, its 95 % confidence interval, residuals. Pure functions.

Ordinary least squares, in exact fractions: readings are whole bytes, so a cost of exactly one file descriptor
per connection comes out as exactly 1.0 and not as 0.9999999. The confidence interval is Student's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """A common slope through one or several series of points.

    `half_width` is what to write after "±": with 95 % confidence the slope lies within it. It is infinite
    where the points are too few to tell. `residuals` are what the line leaves over, series by series, in the
    order of the points; `slopes` are those of the series one by one.
    """

    slope: float
    half_width: float
    intercepts: tuple[float, ...]
    residuals: tuple[tuple[float, ...], ...]
    slopes: tuple[float, ...]

    @property
    def exact(self) -> bool:
        """Whether every point lies on its line, to the last unit."""
        return all(residual == 0 for series in self.residuals for residual in series)

    @property
    def worst_residual(self) -> float:
        """The largest distance of a point from its line, in the unit of the readings."""
        return max(abs(residual) for series in self.residuals for residual in series)


def line(points: Sequence[Point]) -> Fit:
    """Fit one line. Raises ValueError unless two points at least differ in x."""
    return parallel([points])


def parallel(series: Sequence[Sequence[Point]]) -> Fit:
    """Fit parallel lines: one slope for all series, an intercept for each (every run starts where it starts).

    Two things may blur a slope, and each interval sees only one of them: the scatter of the points around
    their lines, and the difference of the runs from each other (the points of one run are not independent: a
    table that doubles lifts all that follow). `half_width` is the wider of the two. Raises ValueError when a
    series has no two points that differ in x.
    """
    if not series:
        raise ValueError("no points to fit")
    exact = [[(Fraction(x), Fraction(y)) for x, y in points] for points in series]
    sums = [_sums(points) for points in exact]
    spread_x = sum((each[2] for each in sums), Fraction())
    slope = sum((each[3] for each in sums), Fraction()) / spread_x
    intercepts = [mean_y - slope * mean_x for mean_x, mean_y, _, _ in sums]
    residuals = [
        [y - (intercept + slope * x) for x, y in points]
        for points, intercept in zip(exact, intercepts, strict=True)
    ]
    slopes = [float(sxy / sxx) for _, _, sxx, sxy in sums]
    return Fit(
        slope=float(slope),
        half_width=max(_scatter(residuals, spread_x), _between(slopes)),
        intercepts=tuple(float(each) for each in intercepts),
        residuals=tuple(tuple(float(each) for each in row) for row in residuals),
        slopes=tuple(slopes),
    )


def _sums(points: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return the means of x and y, the sum of squares of x and that of products, both about the means."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("a slope needs two points that differ in x")
    mean_x = sum((x for x, _ in points), Fraction()) / len(points)
    mean_y = sum((y for _, y in points), Fraction()) / len(points)
    sxx = sum(((x - mean_x) ** 2 for x, _ in points), Fraction())
    sxy = sum(((x - mean_x) * (y - mean_y) for x, y in points), Fraction())
    return mean_x, mean_y, sxx, sxy


def _scatter(residuals: Sequence[Sequence[Fraction]], spread_x: Fraction) -> float:
    """Half the interval as the points' scatter around their lines gives it."""
    squares = sum((each**2 for row in residuals for each in row), Fraction())
    degrees = sum(len(row) for row in residuals) - len(residuals) - 1
    if degrees < 1:
        return math.inf
    return student(degrees) * math.sqrt(squares / degrees / spread_x)


def _between(slopes: Sequence[float]) -> float:
    """Half the interval as the differences between the runs give it; one run tells nothing about that."""
    if len(slopes) < 2:
        return 0.0
    return mean(slopes)[1]


def mean(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and half its 95 % confidence interval (infinite for a single value).

    Raises ValueError when there are no values.
    """
    listed = list(values)
    if not listed:
        raise ValueError("no values to average")
    middle = math.fsum(listed) / len(listed)
    degrees = len(listed) - 1
    if degrees < 1:
        return middle, math.inf
    variance = math.fsum((value - middle) ** 2 for value in listed) / degrees
    return middle, student(degrees) * math.sqrt(variance / len(listed))


def student(degrees: int, confidence: float = 0.95) -> float:
    """Return the two-sided critical value of Student's t: |t| stays below it with the given confidence.

    Found by halving an interval: the probability rises with t. Raises ValueError for degrees of freedom below
    1 or a confidence outside (0, 1).
    """
    if degrees < 1 or not 0 < confidence < 1:
        raise ValueError("Student's t needs degrees of freedom >= 1 and a confidence between 0 and 1")
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def _within(t: float, degrees: int) -> float:
    """Return the probability that |T| <= t: Abramowitz and Stegun, 26.7.3 (odd degrees) and 26.7.4 (even)."""
    angle = math.atan(t / math.sqrt(degrees))
    square = math.cos(angle) ** 2
    odd = degrees % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for k in range(2 if not odd else 3, degrees + 1, 2):
        total += term
        term *= square * (k - 1) / k
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
