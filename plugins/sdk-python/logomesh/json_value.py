"""What of Python's values JSON can say, so that it means the same to every other runtime."""

from __future__ import annotations

import json
import math
from typing import Any

# Deeper values are refused: no message of the protocol may nest further. Two levels go to the envelope.
DEPTH_MAX = 60

# Beyond it other runtimes lose digits of a JSON number.
SAFE_INTEGER_MAX = 2**53 - 1


def to_json_value(value: Any, place: str = "result", depth: int = 0) -> Any:
    """A copy that survives JSON unchanged: integers beyond 2^53 become strings, tuples lists, dataclasses objects.

    Raises TypeError naming the place of what JSON cannot say (NaN, infinities, sets, cycles).
    """
    if depth > DEPTH_MAX:
        raise TypeError(f"{place} nests deeper than {DEPTH_MAX} levels, or refers to itself")
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= SAFE_INTEGER_MAX else str(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{place} is {value}, which JSON has no number for")
        return float(value)
    if isinstance(value, (list, tuple)):
        return [to_json_value(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value)]
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses

        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{place} has the key {key!r}; keys of JSON objects are strings")
        return {key: to_json_value(item, f"{place}.{key}", depth + 1) for key, item in value.items()}
    raise TypeError(f"{place} is of type {type(value).__name__}, which is not a JSON value")


def parse_json(text: str) -> Any:
    """Like json.loads, but only what the standard allows: NaN and Infinity are refused. Raises ValueError.

    JSON does not tell 3.0 from 3; whole numbers become int, so that they fit an `int` hint however they were written.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _parse_number(text: str) -> float:
    number = float(text)
    whole = number.is_integer() and abs(number) <= SAFE_INTEGER_MAX
    return int(number) if whole else number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
