import json
import subprocess
import sys
import threading
import unittest
from typing import Any, TypedDict

from logomesh import Context, Plugin, ToolError
from logomesh.server import CALLS_MAX, LINE_BYTES_MAX, PluginServer

TIMEOUT_S = 10
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Sum(TypedDict):
    sum: float


class Wire:
    """A plugin server with its wires in memory."""

    def __init__(self, plugin: Plugin, *, handshake: bool = True) -> None:
        self.sent: list[dict[str, Any]] = []
        self.logged: list[str] = []
        self.time = 0.0
        self._changed = threading.Condition()
        self.server = PluginServer(
            name=plugin.name,
            version=plugin.version,
            tools=plugin.tools,
            send=self._sent,
            log=self.logged.append,
            host_of=plugin._host_of,
            now=lambda: self.time,
        )
        if handshake:
            self.write(id=0, method="initialize", params={"protocolVersion": "2025-11-25"})

    def _sent(self, line: bytes) -> None:
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        with self._changed:
            self.sent.append(json.loads(line))
            self._changed.notify()

    def write(self, **message: Any) -> None:
        self.server.receive(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def call(self, request_id: Any, name: str, arguments: Any = None, meta: Any = None) -> None:
        params = {"name": name, "arguments": {} if arguments is None else arguments, "_meta": meta}
        self.write(id=request_id, method="tools/call", params=params)

    def until(self, count: int) -> list[dict[str, Any]]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.sent) >= count, TIMEOUT_S):
                raise AssertionError(f"only {len(self.sent)} messages: {self.sent}")
        return self.sent


class ServerTest(unittest.TestCase):
    def setUp(self) -> None:
        plugin = Plugin("probe", "1.2.3")
        self.started, self.ended = threading.Event(), threading.Event()

        @plugin.tool(effect="pure")
        def add(a: float, b: float = 1) -> Sum:
            """Adds two numbers.

            More about it that nobody needs.
            """
            return {"sum": a + b}

        @plugin.tool(effect="once", description="Waits until it is cancelled.")
        def hang(context: Context) -> None:
            self.started.set()
            try:
                context.sleep(TIMEOUT_S)
            finally:
                self.ended.set()

        @plugin.tool(effect="idempotent", description="Reports and logs.")
        def talk(context: Context) -> str:
            context.log("working", step=1)
            context.log("done")
            context.raise_if_cancelled()
            context.progress(1, total=2, message="half")
            context.progress(2, total=2)
            return f"key {context.idempotency_key} é"

        @plugin.tool(effect="once", description="Fails as it should.")
        def refuse() -> None:
            raise ToolError("no such note")

        @plugin.tool(effect="once", description="Fails as it should not.")
        def crash() -> None:
            raise KeyError("bug")

        @plugin.tool(effect="once", description="Wants to go.")
        def leave() -> None:
            raise SystemExit(3)

        @plugin.tool(effect="pure", description="Returns what its schema forbids.")
        def lie() -> Sum:
            return {"sum": "three"}  # type: ignore[typeddict-item]

        @plugin.tool(effect="pure", description="Returns NaN.")
        def nan() -> dict[str, float]:
            return {"value": float("nan")}

        @plugin.tool(effect="pure", description="Returns nothing.")
        def nothing() -> None:
            return None

        self.plugin = plugin
        self.wire = Wire(plugin)
        self.addCleanup(self.wire.server.close, TIMEOUT_S)

    def error_text(self, message: dict[str, Any]) -> str:
        self.assertTrue(message["result"]["isError"])
        return message["result"]["content"][0]["text"]

    def test_the_handshake_answers_with_the_wanted_revision_or_its_newest(self) -> None:
        self.wire.write(id=1, method="initialize", params={"protocolVersion": "2025-06-18"})
        self.wire.write(id=2, method="initialize", params={"protocolVersion": 3})
        self.assertEqual(
            [message["result"] for message in self.wire.sent],
            [
                {
                    "protocolVersion": version,
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "probe", "version": "1.2.3"},
                }
                for version in ("2025-11-25", "2025-06-18", "2025-11-25")
            ],
        )

    def test_before_the_handshake_only_ping_is_answered(self) -> None:
        wire = Wire(self.plugin, handshake=False)
        wire.write(id=1, method="ping")
        wire.write(id=2, method="tools/list")
        wire.call(3, "add", {"a": 1})
        error = {"code": -32600, "message": "send initialize first"}
        self.assertEqual(
            wire.sent,
            [
                {"jsonrpc": "2.0", "id": 1, "result": {}},
                {"jsonrpc": "2.0", "id": 2, "error": error},
                {"jsonrpc": "2.0", "id": 3, "error": error},
            ],
        )

    def ask(self, wire: Wire, method: str, meta: Any, **params: Any) -> dict[str, Any]:
        wire.write(id=1, method=method, params={**params, "_meta": meta})
        return {key: value for key, value in wire.sent[-1].items() if key in ("result", "error")}

    def test_the_modern_era_needs_no_handshake(self) -> None:
        wire = Wire(self.plugin, handshake=False)
        self.assertEqual(
            self.ask(wire, "server/discover", MODERN),
            {
                "result": {
                    "resultType": "complete",
                    "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18"],
                    "capabilities": {"tools": {}},
                    "ttlMs": 3_600_000,
                    "cacheScope": "public",
                    "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "probe", "version": "1.2.3"}},
                }
            },
        )
        listed = self.ask(wire, "tools/list", MODERN)["result"]
        self.assertEqual((listed["resultType"], listed["cacheScope"]), ("complete", "public"))
        wire.call(5, "add", {"a": 2}, MODERN)
        result = wire.until(3)[2]["result"]
        self.assertEqual((result["resultType"], result["structuredContent"]), ("complete", {"sum": 3}))
        wire.call(6, "add", {"a": "two"}, MODERN)
        result = wire.until(4)[3]["result"]
        self.assertEqual((result["resultType"], result["isError"]), ("complete", True))

    def test_what_the_modern_era_does_not_know_is_refused(self) -> None:
        version, capabilities = "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"
        cases: list[tuple[str, Any, int]] = [
            ("tools/list", {**MODERN, version: "2099-01-01"}, -32022),
            ("tools/list", {**MODERN, version: {}}, -32022),
            ("tools/list", {**MODERN, capabilities: []}, -32602),
            ("server/discover", {}, -32602),
            ("server/discover", 7, -32602),
            ("tools/list", {}, -32600),
            ("ping", MODERN, -32601),
        ]
        for method, meta, code in cases:
            with self.subTest(method=method, meta=meta):
                wire = Wire(self.plugin, handshake=False)
                self.assertEqual(self.ask(wire, method, meta)["error"]["code"], code)
        wire = Wire(self.plugin, handshake=False)
        error = self.ask(wire, "tools/list", {**MODERN, version: "2099-01-01"})["error"]
        self.assertEqual(error["data"]["requested"], "2099-01-01")
        self.assertIn("2026-07-28", error["data"]["supported"])

    def test_both_eras_are_answered_side_by_side_and_settings_stay(self) -> None:
        meta = {**MODERN, "org.logomesh/settings": {"city": "Bern"}}
        self.ask(self.wire, "server/discover", meta)
        self.ask(self.wire, "server/discover", MODERN)
        self.assertIn("resultType", self.ask(self.wire, "tools/list", MODERN)["result"])
        self.assertNotIn("resultType", self.ask(self.wire, "tools/list", {})["result"])
        self.assertEqual(self.ask(self.wire, "ping", {}), {"result": {}})
        self.assertEqual(self.wire.server._settings, {"city": "Bern"})

    def test_tools_are_listed_with_schemas_hints_and_effect(self) -> None:
        self.wire.write(id=1, method="tools/list")
        tools = self.wire.sent[1]["result"]["tools"]
        self.assertEqual(
            tools[0],
            {
                "name": "add",
                "description": "Adds two numbers.",
                "inputSchema": {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "b": {"type": "number", "default": 1}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
                "outputSchema": {
                    "type": "object",
                    "properties": {"sum": {"type": "number"}},
                    "required": ["sum"],
                    "additionalProperties": False,
                },
                "annotations": {"readOnlyHint": True, "idempotentHint": True},
                "_meta": {"org.logomesh/effect": "pure"},
            },
        )
        self.assertEqual([tool["annotations"]["idempotentHint"] for tool in tools[1:4]], [False, True, False])

    def test_a_call_answers_structured_and_as_text(self) -> None:
        self.wire.call("one", "add", {"a": 2})
        self.assertEqual(
            self.wire.until(2)[1],
            {
                "jsonrpc": "2.0",
                "id": "one",
                "result": {
                    "content": [{"type": "text", "text": '{"sum": 3}'}],
                    "structuredContent": {"sum": 3},
                    "isError": False,
                },
            },
        )

    def test_arguments_that_do_not_fit_are_an_error_of_the_call(self) -> None:
        self.wire.call(1, "add", {"a": "2", "c": 1})
        self.assertEqual(
            self.error_text(self.wire.until(2)[1]),
            "Arguments of add are not valid: /a must be of type number, not a string; "
            "/c is not known; known are a, b.",
        )

    def test_failures_are_answered_with_their_message(self) -> None:
        cases = [
            ("refuse", "no such note", False),
            ("crash", "'bug'", True),
            ("leave", "3", True),
            ("lie", "The result of lie does not fit its output schema: /sum must be of type number, not a string.", True),
            ("nan", "result.value is nan, which JSON has no number for", True),
        ]
        for index, (tool, message, logged) in enumerate(cases):
            with self.subTest(tool=tool):
                self.wire.call(index + 1, tool)
                self.assertEqual(self.error_text(self.wire.until(index + 2)[-1]), message)
                self.assertEqual(any(line.startswith(f"tool {tool} failed: Traceback") for line in self.wire.logged), logged)

    def test_nothing_is_null(self) -> None:
        self.wire.call(1, "nothing")
        self.assertEqual(self.wire.until(2)[1]["result"], {"content": [{"type": "text", "text": "null"}], "isError": False})

    def test_progress_goes_to_those_who_ask_and_not_too_fast(self) -> None:
        self.wire.call(1, "talk", meta={"progressToken": 5, "org.logomesh/idempotencyKey": "k1"})
        self.wire.until(3)
        self.wire.call(2, "talk")
        self.assertEqual(
            self.wire.until(4)[1:],
            [
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/progress",
                    "params": {"progressToken": 5, "progress": 1, "total": 2, "message": "half"},
                },
                {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "key k1 é"}], "isError": False}},
                {"jsonrpc": "2.0", "id": 2, "result": {"content": [{"type": "text", "text": "key None é"}], "isError": False}},
            ],
        )
        self.assertEqual(self.wire.logged, ['working {"step": 1}', "done"] * 2)

    def test_a_cancelled_call_ends_without_an_answer_while_others_go_on(self) -> None:
        self.wire.call(7, "hang")
        self.assertTrue(self.started.wait(TIMEOUT_S))
        self.wire.call(8, "add", {"a": 1})
        self.wire.until(2)
        self.wire.write(method="notifications/cancelled", params={"requestId": 7})
        self.assertTrue(self.ended.wait(TIMEOUT_S))
        self.assertTrue(self.wire.server.close(TIMEOUT_S))
        self.assertEqual([message["id"] for message in self.wire.sent], [0, 8])

    def test_close_cancels_what_waits_and_tells_when_a_handler_does_not_end(self) -> None:
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        @self.plugin.tool(effect="once", description="Ignores its cancel.")
        def stubborn() -> None:
            begun.set()
            release.wait(TIMEOUT_S)

        self.wire.call(1, "stubborn")
        # One that is cancelled before it begins ends at once.
        self.assertTrue(begun.wait(TIMEOUT_S))
        for index in range(2, 9):
            self.wire.call(index, "hang")
        self.assertFalse(self.wire.server.close(0.2))
        self.assertEqual(len(self.wire.sent), 1)

    def test_ids_and_calls_in_flight_are_bounded(self) -> None:
        for index in range(1, CALLS_MAX + 1):
            self.wire.call(index, "hang")
        self.wire.call(1, "hang")
        self.wire.call(CALLS_MAX + 1, "hang")
        self.assertEqual(
            [message["error"] for message in self.wire.sent[1:]],
            [
                {"code": -32600, "message": "a call with this id is in flight"},
                {"code": -32600, "message": "1024 calls are in flight"},
            ],
        )

    def test_calls_that_name_nothing_are_refused(self) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"name": "none"}, 'no tool named "none"'),
            ({}, "no tool named null"),
            ({"name": ["add"]}, 'no tool named ["add"]'),
            ({"name": "add", "arguments": [1]}, "arguments must be an object"),
        ]
        for params, message in cases:
            with self.subTest(params=params):
                self.wire.write(id=1, method="tools/call", params=params)
                self.assertEqual(self.wire.sent[-1], {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": message}})

    def test_what_is_not_a_message_is_answered_with_an_error(self) -> None:
        cases: list[tuple[bytes, Any, int]] = [
            (b"nonsense", None, -32700),
            (b'{"jsonrpc":"2.0","id":NaN}', None, -32700),
            (b'"\xff"', None, -32700),
            (b"[" * 100_000, None, -32700),
            (b"[]", None, -32600),
            (b'{"jsonrpc":"2.0","id":4}', 4, -32600),
            (b'{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}', 4, -32600),
            (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None, -32600),
            (b'{"jsonrpc":"2.0","id":4,"method":"prompts/list"}', 4, -32601),
            (b" " * (LINE_BYTES_MAX + 1), None, -32700),
        ]
        for line, request_id, code in cases:
            with self.subTest(line=line[:20]):
                self.wire.server.receive(line + b"\n")
                self.assertEqual((self.wire.sent[-1]["id"], self.wire.sent[-1]["error"]["code"]), (request_id, code))
        self.wire.write(id=9, method="ping")
        self.assertEqual(self.wire.sent[-1], {"jsonrpc": "2.0", "id": 9, "result": {}})

    def test_empty_lines_answers_and_unknown_notifications_are_ignored(self) -> None:
        self.wire.server.receive(b"\n  \n")
        self.wire.write(id=1, result={})
        self.wire.write(method="notifications/initialized")
        self.wire.write(method="notifications/cancelled", params={"requestId": 99})
        self.wire.write(method="notifications/cancelled", params={"requestId": {}})
        self.assertEqual(len(self.wire.sent), 1)

    def test_bytes_may_arrive_one_at_a_time(self) -> None:
        line = json.dumps({"jsonrpc": "2.0", "id": "é", "method": "ping"}, ensure_ascii=False).encode() + b"\n"
        for byte in line:
            self.wire.server.receive(bytes([byte]))
        self.assertEqual(self.wire.sent[-1], {"jsonrpc": "2.0", "id": "é", "result": {}})


class DeclarationTest(unittest.TestCase):
    def test_the_description_is_the_first_paragraph_of_the_docstring_in_one_line(self) -> None:
        plugin = Plugin("words", "1.0.0")

        @plugin.tool(effect="pure")
        def wide() -> None:
            """
            Says what it does
            in two lines.

            And more.
            """

        @plugin.tool(effect="pure")
        def narrow() -> None:
            """Says it in one."""

        descriptions = [tool.description for tool in plugin.tools.values()]
        self.assertEqual(descriptions, ["Says what it does in two lines.", "Says it in one."])

    def test_what_takes_long_to_load_is_loaded_when_it_is_needed(self) -> None:
        source = """
import sys
from logomesh import Context, Plugin
plugin = Plugin("quick", "1.0.0")
@plugin.tool(effect="pure")
def add(a: int, b: int = 1) -> dict[str, int]:
    'Adds.'
    return {"sum": a + b}
print(*sorted({"ast", "concurrent.futures", "dataclasses", "inspect", "logging", "traceback"} & set(sys.modules)))
"""
        command = [sys.executable, "-S", "-c", source]
        loaded = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual(loaded.stdout, "\n")

    def test_what_could_not_work_is_refused_at_once(self) -> None:
        plugin = Plugin("bad", "1.0.0")

        def ok() -> None:
            """Does nothing."""

        self.assertIs(plugin.tool(effect="pure")(ok), ok)
        with self.assertRaisesRegex(TypeError, "Tool ok is declared twice"):
            plugin.tool(effect="pure")(ok)
        with self.assertRaisesRegex(TypeError, 'Tool name "a b"'):
            plugin.tool(effect="pure", name="a b")(ok)
        with self.assertRaisesRegex(TypeError, 'the effect "twice" must be one of pure, idempotent, once'):
            plugin.tool(effect="twice", name="x")(ok)
        with self.assertRaisesRegex(TypeError, "needs a docstring or a description"):
            plugin.tool(effect="pure", name="x")(lambda: None)
        with self.assertRaisesRegex(TypeError, "the input schema must be an object schema"):
            plugin.tool(effect="pure", name="x", input={"type": "string"})(ok)
        with self.assertRaisesRegex(TypeError, "the output schema must be an object schema"):
            plugin.tool(effect="pure", name="x", output={"type": "array"})(ok)


class SettingsTest(unittest.TestCase):
    def test_handlers_see_what_a_person_set(self) -> None:
        plugin = Plugin("probe", "1.2.3")

        @plugin.tool(effect="pure")
        def where(context: Context) -> str:
            """Says it."""
            return str(context.settings)

        wire = Wire(plugin, handshake=False)
        meta = {"org.logomesh/settings": {"city": "Bern"}}
        wire.write(id=0, method="initialize", params={"protocolVersion": "2025-11-25", "_meta": meta})
        wire.call(1, "where")
        self.assertIn("Bern", json.dumps(wire.until(2)[1]))
