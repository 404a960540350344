"""The mathematics; knows nothing of plugins but the error that a caller can do something about."""

import functools
import math
import statistics

from logomesh import ToolError


def finite(function):
    """Sums and squares of numbers near the largest that a float holds have no finite value."""

    @functools.wraps(function)
    def checked(*arguments):
        try:
            result = function(*arguments)
        except OverflowError:
            result = {"overflow": math.inf}
        if not all(math.isfinite(value) for value in result.values()):
            raise ToolError("the values are too large to calculate with")
        return result

    return checked


@finite
def describe(values):
    if not values:
        zeros = ("sum", "mean", "median", "min", "max", "standard_deviation", "lower_quartile", "upper_quartile")
        return {"count": 0, **dict.fromkeys(zeros, 0.0)}
    many = len(values) > 1
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive") if many else values * 3
    return {
        "count": len(values),
        "sum": math.fsum(values),
        "mean": statistics.fmean(values),
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "standard_deviation": statistics.stdev(values) if many else 0.0,
        "lower_quartile": lower,
        "upper_quartile": upper,
    }


def histogram(values, bins):
    if not values:
        return []
    low, high = min(values), max(values)
    if low == high:
        return [{"start": low, "end": high, "count": len(values)}]
    width = (high - low) / bins
    if not math.isfinite(width) or width == 0:
        raise ToolError("the values are too far apart, or too close together, for that many bins")
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    return [
        {"start": low + i * width, "end": high if i == bins - 1 else low + (i + 1) * width, "count": count}
        for i, count in enumerate(counts)
    ]


@finite
def linear_trend(values, x=None):
    positions = list(range(len(values))) if x is None else x
    if len(positions) != len(values):
        raise ToolError(f"there are {len(values)} values and {len(positions)} x; give as many of each")
    if len(values) < 2:
        raise ToolError("a line needs at least two values")
    if min(positions) == max(positions):
        raise ToolError("all x are the same, so no line is better than another")
    slope, intercept = statistics.linear_regression(positions, values)
    constant = min(values) == max(values)
    r_squared = 1.0 if constant else statistics.correlation(scaled(positions), scaled(values)) ** 2
    return {"slope": slope, "intercept": intercept, "r_squared": r_squared}


def scaled(values):
    """To at most 1: squares of very small differences would be 0."""
    most = max(map(abs, values))
    return [value / most for value in values]
