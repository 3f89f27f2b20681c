"""The line through the points, against values that others have certified."""

from __future__ import annotations

import math

import pytest

from netlab.probes import fit

# NIST Statistical Reference Datasets, linear regression, "Norris": y, x.
NORRIS = """
    0.1 0.2  338.8 337.4  118.1 118.2  888.0 884.6  9.2 10.1  228.1 226.5  668.5 666.3  998.5 996.3
    449.1 448.6  778.9 777.0  559.2 558.2  0.3 0.4  0.1 0.6  778.1 775.5  668.8 666.9  339.3 338.0
    448.9 447.5  10.8 11.6  557.7 556.0  228.3 228.1  998.0 995.8  888.8 887.6  119.6 120.2  0.3 0.3
    0.6 0.3  557.6 556.8  339.3 339.1  888.0 887.2  998.5 999.0  778.9 779.0  10.2 11.1  117.6 118.3
    228.9 229.2  668.4 669.1  449.2 448.9  0.2 0.5
"""


def norris() -> list[fit.Point]:
    numbers = [float(word) for word in NORRIS.split()]
    return list(zip(numbers[1::2], numbers[0::2], strict=True))


def test_nist_s_certified_slope_intercept_and_deviation() -> None:
    found = fit.line(norris())
    assert found.slope == pytest.approx(1.00211681802045, rel=1e-14)
    assert found.intercepts[0] == pytest.approx(-0.262323073774029, rel=1e-12)
    assert found.half_width == pytest.approx(fit.student(34) * 0.000429796848199937, rel=1e-12)
    residual_deviation = math.sqrt(math.fsum(r * r for r in found.residuals[0]) / 34)
    assert residual_deviation == pytest.approx(0.884796396144373, rel=1e-12)


@pytest.mark.parametrize(
    ("degrees", "confidence", "value"),
    [  # as every printed table has them
        (1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.95, 3.182), (4, 0.95, 2.776), (5, 0.95, 2.571),
        (10, 0.95, 2.228), (15, 0.95, 2.131), (30, 0.95, 2.042), (120, 0.95, 1.980),
        (1, 0.99, 63.657), (7, 0.99, 3.499), (8, 0.90, 1.860),
    ],
)  # fmt: skip
def test_student_s_table(degrees: int, confidence: float, value: float) -> None:
    assert round(fit.student(degrees, confidence), 3) == value


@pytest.mark.parametrize(("degrees", "confidence"), [(0, 0.95), (-1, 0.95), (5, 0.0), (5, 1.0)])
def test_student_refuses_what_has_no_meaning(degrees: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="degrees of freedom >= 1"):
        fit.student(degrees, confidence)


def test_one_descriptor_per_connection_is_exactly_one() -> None:
    found = fit.line([(0, 7), (100, 107), (333, 340), (1000, 1007)])
    assert found.slope == 1.0
    assert found.half_width == 0.0
    assert found.exact
    assert found.worst_residual == 0.0


def test_one_descriptor_too_many_is_not_exact() -> None:
    found = fit.line([(0, 7), (100, 107), (200, 208), (300, 307)])
    assert not found.exact
    assert 0.5 < found.worst_residual < 1
    assert found.half_width > 0


def test_large_readings_lose_no_digit() -> None:
    """The textbook formula in floating point fails here: readings of 2^50 bytes that differ by one."""
    base = 1 << 50
    assert fit.line([(n, base + n) for n in range(5)]).slope == 1.0


def test_each_run_may_start_elsewhere() -> None:
    lines = [[(n, 1000 + 5 * n) for n in (0, 10, 20)], [(n, 9000 + 5 * n) for n in (0, 10, 20)]]
    found = fit.parallel(lines)
    assert found.slope == 5.0
    assert found.intercepts == (1000.0, 9000.0)
    assert found.exact
    assert found.slopes == (5.0, 5.0)


def test_runs_that_differ_widen_the_interval_though_each_is_straight() -> None:
    slopes = (4.0, 5.0, 6.0)
    found = fit.parallel([[(n, slope * n) for n in (0, 10, 20, 30)] for slope in slopes])
    assert found.slope == pytest.approx(5.0)
    assert found.slopes == slopes
    assert found.half_width >= fit.student(2) * 1.0 / math.sqrt(3) * 0.999999


def test_two_points_give_a_slope_and_no_confidence() -> None:
    found = fit.line([(0, 10), (10, 30)])
    assert found.slope == 2.0
    assert found.half_width == math.inf


@pytest.mark.parametrize("points", [[], [(1, 2)], [(1, 2), (1, 3)]])
def test_points_that_give_no_line_are_refused(points: list[fit.Point]) -> None:
    with pytest.raises(ValueError, match="two points that differ in x"):
        fit.line(points)
    with pytest.raises(ValueError, match="no points"):
        fit.parallel([])


def test_a_mean_with_its_interval() -> None:
    middle, half = fit.mean([9.0, 10.0, 11.0])
    assert middle == 10.0
    assert half == pytest.approx(4.302652729749 / math.sqrt(3))
    assert fit.mean([4.0]) == (4.0, math.inf)
    with pytest.raises(ValueError, match="no values"):
        fit.mean([])
