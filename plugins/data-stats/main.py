"""Descriptive statistics, histograms and linear trends of lists of numbers."""

from typing import Annotated, TypedDict

from logomesh import Context, Field, Plugin, ToolError

import stats

plugin = Plugin("data-stats", "1.0.0")


class Description(TypedDict):
    count: int
    sum: float
    mean: float
    median: float
    min: float
    max: float
    standard_deviation: float
    lower_quartile: float
    upper_quartile: float


class Bin(TypedDict):
    start: float
    end: float
    count: int


class Histogram(TypedDict):
    bins: list[Bin]


class Trend(TypedDict):
    slope: float
    intercept: float
    r_squared: float


@plugin.tool(effect="pure")
def describe(values: list[float]) -> Description:
    """Count, mean, median, quartiles, extremes and sample standard deviation. An empty list has count 0 and zeros."""
    return stats.describe(values)


@plugin.tool(effect="pure")
def histogram(values: list[float], bins: Annotated[int, Field(minimum=1, maximum=1000)] = 10) -> Histogram:
    """Counts values in bins of equal width from the smallest to the largest value; the last bin includes its end."""
    return {"bins": stats.histogram(values, bins)}


@plugin.tool(effect="pure")
def linear_trend(values: list[float], x: list[float] | None = None) -> Trend:
    """The least-squares line through the values, over their positions 0, 1, 2 … or over the given x."""
    return stats.linear_trend(values, x)


@plugin.tool(effect="pure")
def describe_texts(context: Context, texts: Annotated[list[str], Field(max_items=100)]) -> Description:
    """Describes how many words the texts have; text-tools, a plugin for Node.js, counts them."""
    counts: list[float] = []
    for text in texts:
        answer = context.host.call_plugin("org.logomesh.text-tools", "word_count", {"text": text})
        if answer["isError"]:
            raise ToolError(f"text-tools could not count: {answer['content']}")
        counts.append(answer["structuredContent"]["words"])
    return stats.describe(counts)


plugin.serve()
