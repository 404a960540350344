import dataclasses
import functools
import inspect
import json
import math
import unittest
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from logomesh import Context, Field, Plugin
from logomesh.json_value import parse_json, to_json_value
from logomesh.schema import check_keywords, return_schema, signature_schema, type_schema, validate


class Point(TypedDict):
    x: float
    label: NotRequired[str]


@dataclasses.dataclass
class Pair:
    left: int
    right: Annotated[str, "the right one"]


class TypeSchemaTest(unittest.TestCase):
    def test_every_supported_hint_has_its_schema(self) -> None:
        cases: list[tuple[Any, dict[str, Any]]] = [
            (str, {"type": "string"}),
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (None | str, {"anyOf": [{"type": "null"}, {"type": "string"}]}),
            (list[int], {"type": "array", "items": {"type": "integer"}}),
            (list, {"type": "array"}),
            (dict, {"type": "object"}),
            (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
            (Literal["a", 1], {"enum": ["a", 1]}),
            (Any, {}),
            (
                Annotated[int, Field(minimum=1, exclusive_maximum=9, description="how many")],
                {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "description": "how many"},
            ),
            (
                Point,
                {
                    "type": "object",
                    "properties": {"x": {"type": "number"}, "label": {"type": "string"}},
                    "required": ["x"],
                    "additionalProperties": False,
                },
            ),
            (
                Pair,
                {
                    "type": "object",
                    "properties": {
                        "left": {"type": "integer"},
                        "right": {"type": "string", "description": "the right one"},
                    },
                    "required": ["left", "right"],
                    "additionalProperties": False,
                },
            ),
        ]
        for hint, schema in cases:
            with self.subTest(hint=hint):
                self.assertEqual(type_schema(hint), schema)

    def test_a_hint_without_a_schema_is_refused(self) -> None:
        for hint in (set, bytes, tuple[int, str], dict[int, str]):
            with self.subTest(hint=hint), self.assertRaisesRegex(TypeError, "has no JSON Schema"):
                type_schema(hint)

    def test_parameters_become_properties_and_the_context_does_not(self) -> None:
        def search(text: str, context: Context, limit: int = 10) -> Point: ...

        schema, context_name = signature_schema(search)
        self.assertEqual(context_name, "context")
        self.assertEqual(
            schema,
            {
                "type": "object",
                "properties": {"text": {"type": "string"}, "limit": {"type": "integer", "default": 10}},
                "required": ["text"],
                "additionalProperties": False,
            },
        )
        self.assertEqual(return_schema(search), type_schema(Point))

    def test_parameters_are_those_that_inspect_finds_however_the_function_was_made(self) -> None:
        def plain(a: int, b: str = "b", *, c: bool, d: float = 1.5) -> None:
            local = a
            del local

        @functools.wraps(plain)
        def wrapped(*args: Any, **kwargs: Any) -> None: ...

        class Callable:
            __name__ = "callable"

            def __call__(self, a: int, b: str = "b", *, c: bool, d: float = 1.5) -> None: ...

        instance = Callable()
        instance.__annotations__ = plain.__annotations__
        for function in (plain, wrapped, instance):
            with self.subTest(function=function):
                schema, _ = signature_schema(function)
                found = inspect.signature(function).parameters
                self.assertEqual(list(schema["properties"]), list(found))
                self.assertEqual(schema["required"], [name for name in found if found[name].default is inspect.Parameter.empty])
                self.assertEqual(schema["properties"]["b"]["default"], "b")
                self.assertEqual(schema["properties"]["d"]["default"], 1.5)

    def test_parameters_that_could_not_work_are_refused(self) -> None:
        def bare(text): ...  # type: ignore[no-untyped-def]

        def rest(*texts: str): ...  # type: ignore[no-untyped-def]

        def options(**texts: str): ...  # type: ignore[no-untyped-def]

        def positional(text: str, /): ...  # type: ignore[no-untyped-def]

        def nan(value: float = math.nan): ...  # type: ignore[no-untyped-def]

        for function, message in (
            (bare, "needs a type hint"),
            (rest, "texts must be an ordinary named"),
            (options, "texts must be an ordinary named"),
            (positional, "text must be an ordinary named"),
            (nan, "default of value is nan"),
        ):
            with self.subTest(function=function), self.assertRaisesRegex(TypeError, message):
                signature_schema(function)

    def test_results_without_an_object_type_have_no_schema(self) -> None:
        for hint in (str, dict, None, Any, list[int]):

            def function(): ...  # type: ignore[no-untyped-def]

            function.__annotations__ = {"return": hint}
            self.assertIsNone(return_schema(function))


class ValidateTest(unittest.TestCase):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[A-Z🦊]"},
            "age": {"type": "integer", "minimum": 0, "maximum": 200},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
            "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "kind": {"enum": ["a", 1]},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "fixed": {"const": True},
        },
        "required": ["name"],
        "additionalProperties": False,
    }

    def test_problems_name_place_value_and_limit(self) -> None:
        cases: list[tuple[Any, list[str]]] = [
            ({"name": "Ada", "age": 3, "tags": ["x"], "maybe": None, "fixed": True, "kind": 1}, []),
            ({"name": "🦊🦊🦊🦊🦊"}, []),
            ([], ["the value must be of type object, not an array"]),
            (None, ["the value must be of type object, not null"]),
            ({}, ["/name is missing"]),
            ({"name": ""}, ["/name has 0 characters, at least 1 are needed", "/name must match ^[A-Z🦊]"]),
            ({"name": "Adalbert"}, ["/name has 8 characters, at most 5 are allowed"]),
            ({"name": True}, ["/name must be of type string, not a boolean"]),
            ({"name": "Ada", "age": True}, ["/age must be of type integer, not a boolean"]),
            ({"name": "Ada", "age": 1.5}, ["/age must be of type integer, not a number"]),
            ({"name": "Ada", "age": -1}, ["/age is -1, it must be at least 0"]),
            ({"name": "Ada", "age": 201}, ["/age is 201, it must be at most 200"]),
            ({"name": "Ada", "ratio": 0}, ["/ratio is 0, it must be greater than 0"]),
            ({"name": "Ada", "ratio": 1}, ["/ratio is 1, it must be less than 1"]),
            ({"name": "Ada", "ratio": math.inf}, ["/ratio is not a finite number"]),
            ({"name": "Ada", "tags": []}, ["/tags has 0 items, at least 1 are needed"]),
            ({"name": "Ada", "tags": ["a", "b", "c"]}, ["/tags has 3 items, at most 2 are allowed"]),
            ({"name": "Ada", "tags": [{}]}, ["/tags/0 must be of type string, not an object"]),
            ({"name": "Ada", "kind": True}, ['/kind must be one of "a", 1']),
            ({"name": "Ada", "fixed": 1}, ["/fixed must be true"]),
            ({"name": "Ada", "maybe": 1}, ["/maybe must be of type string, not a number"]),
            (
                {"name": "Ada", "a/b~": 1},
                ["/a~1b~0 is not known; known are name, age, tags, ratio, kind, maybe, fixed"],
            ),
        ]
        for value, problems in cases:
            with self.subTest(value=value):
                self.assertEqual(validate(self.schema, value), problems)

    def test_it_stops_after_ten_problems(self) -> None:
        self.assertEqual(len(validate({"items": {"type": "string"}}, [1] * 50)), 10)
        self.assertEqual(len(validate({"additionalProperties": False}, {str(index): 1 for index in range(50)})), 10)

    def test_a_keyword_that_nobody_would_enforce_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, 'schema.a.items: the keyword "contains"'):
            check_keywords({"properties": {"a": {"items": {"contains": {}}}}})
        with self.assertRaisesRegex(TypeError, 'input: the keyword "oneOf"'):
            Plugin("x", "1.0.0").tool(name="x", effect="pure", description="x", input={"type": "object", "oneOf": []})(lambda: None)


class JsonValueTest(unittest.TestCase):
    def test_json_values_stay_as_they_are(self) -> None:
        value = {"a": [1, -2.5, True, None, "é🦊\u2028"], "__proto__": {}}
        self.assertEqual(to_json_value(value), value)
        self.assertEqual(parse_json(json.dumps(value)), value)

    def test_large_integers_become_strings_and_records_objects(self) -> None:
        value = {"large": 2**64, "edge": 2**53 - 1, "pair": Pair(1, "r"), "both": (1, 2)}
        self.assertEqual(
            to_json_value(value),
            {"large": "18446744073709551616", "edge": 9007199254740991, "pair": {"left": 1, "right": "r"}, "both": [1, 2]},
        )

    def test_what_json_cannot_say_is_refused_with_its_place(self) -> None:
        cycle: list[Any] = []
        cycle.append(cycle)
        cases = [
            ({"mean": math.nan}, r"result\.mean is nan"),
            ([1, -math.inf], r"result\[1\] is -inf"),
            ({1: "a"}, "has the key 1"),
            ({"a": {1, 2}}, r"result\.a is of type set"),
            (Pair, "is of type type"),
            (cycle, "nests deeper than 60 levels"),
        ]
        for value, message in cases:
            with self.subTest(value=str(value)[:20]), self.assertRaisesRegex(TypeError, message):
                to_json_value(value)

    def test_whole_numbers_become_int_and_constants_are_refused(self) -> None:
        self.assertEqual(repr(parse_json("[3.0, 3.5, 1e300, 2]")), "[3, 3.5, 1e+300, 2]")
        for text in ("NaN", "[Infinity]", "-Infinity", "[" * 100_000, "{"):
            with self.subTest(text=text[:5]), self.assertRaises(ValueError):
                parse_json(text)
