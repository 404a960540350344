"""JSON Schemas from type hints, and the check of values against them."""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Callable
from typing import Any

from .context import Context
from .json_value import to_json_value

# Enough for a person or a model to correct their input; the rest shows on the next attempt.
PROBLEMS_MAX = 10

_CHECKED = {
    *("type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items", "minItems"),
    *("maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "format"}

_REQUIRED = object()
_CO_VARARGS, _CO_VARKEYWORDS = 4, 8

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


class Field:
    """Bounds and meaning of a value: `limit: Annotated[int, Field(minimum=1, description="how many")] = 10`."""

    def __init__(
        self,
        *,
        description: str | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        exclusive_minimum: float | None = None,
        exclusive_maximum: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        min_items: int | None = None,
        max_items: int | None = None,
        pattern: str | None = None,
    ) -> None:
        given = {
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "exclusiveMinimum": exclusive_minimum,
            "exclusiveMaximum": exclusive_maximum,
            "minLength": min_length,
            "maxLength": max_length,
            "minItems": min_items,
            "maxItems": max_items,
            "pattern": pattern,
        }
        self.keywords: dict[str, Any] = {name: value for name, value in given.items() if value is not None}


def signature_schema(function: Callable[..., Any]) -> tuple[dict[str, Any], str | None]:
    """The schema of a function's parameters, and the name of the one that takes the `Context`."""
    hints = typing.get_type_hints(function, include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    context_name: str | None = None
    for name, default in _parameters(function).items():
        if hints.get(name) is Context:
            context_name = name
            continue
        if name not in hints:
            raise TypeError(f"{function.__name__}: parameter {name} needs a type hint")
        properties[name] = type_schema(hints[name])
        if default is _REQUIRED:
            required.append(name)
        else:
            properties[name]["default"] = to_json_value(default, f"the default of {name}")
    return object_schema(properties, required), context_name


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The default of each parameter by name, `_REQUIRED` where there is none."""
    if not isinstance(function, types.FunctionType) or hasattr(function, "__wrapped__"):
        return _inspected_parameters(function)
    code = function.__code__
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    if code.co_posonlyargcount or code.co_flags & (_CO_VARARGS | _CO_VARKEYWORDS):
        return _inspected_parameters(function)
    defaults = dict.fromkeys(names[: positional + keyword_only], _REQUIRED)
    given = function.__defaults__ or ()
    defaults |= zip(names[positional - len(given) : positional], given)
    return defaults | (function.__kwdefaults__ or {})


def _inspected_parameters(function: Callable[..., Any]) -> dict[str, Any]:
    # Loading `inspect` takes a third of a plugin's start; plain functions do without.
    import inspect

    parameters = inspect.signature(function).parameters
    for name, parameter in parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: parameter {name} must be an ordinary named parameter")
    return {
        name: _REQUIRED if parameter.default is parameter.empty else parameter.default
        for name, parameter in parameters.items()
    }


def return_schema(function: Callable[..., Any]) -> dict[str, Any] | None:
    """The schema of a function's result when its hint names an object type, else None."""
    hint = typing.get_type_hints(function, include_extras=True).get("return")
    if hint in (None, Any, dict, type(None)):
        return None
    schema = type_schema(hint)
    return schema if schema.get("type") == "object" else None


def object_schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def type_schema(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a type hint. Raises TypeError for a type that JSON has no word for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is list:
        return {"type": "array"}
    if hint is dict:
        return {"type": "object"}
    if origin is typing.Annotated:
        schema = type_schema(arguments[0])
        for extra in arguments[1:]:
            if isinstance(extra, str):
                schema["description"] = extra
            elif isinstance(extra, Field):
                schema |= extra.keywords
        return schema
    if origin in (typing.Required, typing.NotRequired):
        return type_schema(arguments[0])
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [type_schema(argument) for argument in arguments]}
    if origin is list:
        return {"type": "array", "items": type_schema(arguments[0])}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": type_schema(arguments[1])}
    if typing.is_typeddict(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        properties = {name: type_schema(child) for name, child in hints.items()}
        return object_schema(properties, [name for name in properties if name in hint.__required_keys__])
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        import dataclasses

        hints = typing.get_type_hints(hint, include_extras=True)
        fields = [field.name for field in dataclasses.fields(hint)]
        return object_schema({name: type_schema(hints[name]) for name in fields}, fields)
    raise TypeError(
        f"the type {hint!r} has no JSON Schema; use str, int, float, bool, None, list, dict, Literal or TypedDict"
    )


def check_keywords(schema: Any, place: str = "schema") -> None:
    """Raises TypeError for a keyword that `validate` would not enforce."""
    if not isinstance(schema, dict):
        return
    for keyword in schema:
        if keyword not in _CHECKED and keyword not in _ANNOTATIONS:
            raise TypeError(f'{place}: the keyword "{keyword}" is not supported; use {", ".join(sorted(_CHECKED))}')
    for name, child in schema.get("properties", {}).items():
        check_keywords(child, f"{place}.{name}")
    for keyword in ("items", "additionalProperties"):
        check_keywords(schema.get(keyword), f"{place}.{keyword}")
    for branch in schema.get("anyOf", []):
        check_keywords(branch, f"{place}.anyOf")


def validate(schema: dict[str, Any], value: Any, pointer: str = "") -> list[str]:
    """What is wrong with a JSON value, each with a JSON pointer; empty means valid."""
    place = pointer or "the value"
    if isinstance(value, float) and not math.isfinite(value):
        return [f"{place} is not a finite number"]
    wanted = schema.get("type")
    if wanted is not None:
        names = wanted if isinstance(wanted, list) else [wanted]
        if not any(_has_type(value, name) for name in names):
            return [f"{place} must be of type {' or '.join(names)}, not {_name_of(value)}"]
    problems: list[str] = []
    if "enum" in schema and not any(_is_same(allowed, value) for allowed in schema["enum"]):
        problems.append(f"{place} must be one of {', '.join(json.dumps(item) for item in schema['enum'])}")
    if "const" in schema and not _is_same(schema["const"], value):
        problems.append(f"{place} must be {json.dumps(schema['const'])}")
    if "anyOf" in schema:
        branches = [validate(branch, value, pointer) for branch in schema["anyOf"]]
        if all(branches):
            problems += branches[0]
    if isinstance(value, str):
        problems += _string_problems(schema, value, place)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        problems += _number_problems(schema, value, place)
    elif isinstance(value, list):
        problems += _array_problems(schema, value, pointer)
    elif isinstance(value, dict):
        problems += _object_problems(schema, value, pointer)
    return problems[:PROBLEMS_MAX]


def _string_problems(schema: dict[str, Any], value: str, place: str) -> list[str]:
    problems = []
    if len(value) < schema.get("minLength", 0):
        problems.append(f"{place} has {len(value)} characters, at least {schema['minLength']} are needed")
    if len(value) > schema.get("maxLength", math.inf):
        problems.append(f"{place} has {len(value)} characters, at most {schema['maxLength']} are allowed")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        problems.append(f"{place} must match {schema['pattern']}")
    return problems


def _number_problems(schema: dict[str, Any], value: float, place: str) -> list[str]:
    bounds = [
        ("minimum", lambda bound: value >= bound, "at least"),
        ("maximum", lambda bound: value <= bound, "at most"),
        ("exclusiveMinimum", lambda bound: value > bound, "greater than"),
        ("exclusiveMaximum", lambda bound: value < bound, "less than"),
    ]
    return [
        f"{place} is {value}, it must be {words} {schema[keyword]}"
        for keyword, holds, words in bounds
        if keyword in schema and not holds(schema[keyword])
    ]


def _array_problems(schema: dict[str, Any], value: list[Any], pointer: str) -> list[str]:
    place = pointer or "the value"
    if len(value) < schema.get("minItems", 0):
        return [f"{place} has {len(value)} items, at least {schema['minItems']} are needed"]
    if len(value) > schema.get("maxItems", math.inf):
        return [f"{place} has {len(value)} items, at most {schema['maxItems']} are allowed"]
    problems: list[str] = []
    if "items" not in schema:
        return problems
    for index, item in enumerate(value):
        problems += validate(schema["items"], item, f"{pointer}/{index}")
        if len(problems) >= PROBLEMS_MAX:
            break
    return problems


def _object_problems(schema: dict[str, Any], value: dict[str, Any], pointer: str) -> list[str]:
    properties = schema.get("properties", {})
    problems = [f"{pointer}/{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        child = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        rule = properties.get(name, schema.get("additionalProperties", True))
        if rule is False:
            known = f"; known are {', '.join(properties)}" if properties else ""
            problems.append(f"{child} is not known{known}")
        elif isinstance(rule, dict):
            problems += validate(rule, item, child)
        if len(problems) >= PROBLEMS_MAX:
            break
    return problems


def _has_type(value: Any, name: str) -> bool:
    match name:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "integer":
            return _has_type(value, "number") and value == int(value)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
    return False


def _name_of(value: Any) -> str:
    for name in ("null", "boolean", "number", "string"):
        if _has_type(value, name):
            return name if name == "null" else f"a {name}"
    return "an array" if isinstance(value, list) else "an object"


def _is_same(a: Any, b: Any) -> bool:
    # In Python True == 1; in JSON it is not.
    return isinstance(a, bool) == isinstance(b, bool) and a == b
