"""The plugin's half of the plugin plane: a Model Context Protocol server of both eras, one JSON-RPC message a line.

States: new, initialized (which the modern era does without), closed. Owns the calls in flight and their cancellation; each call runs in a thread of a small
pool, so that a ping or a cancel is heard while handlers work. It knows nothing of processes: bytes come through `receive`,
messages leave through `send`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .context import Cancelled, Context, ToolError
from .era import INVALID_PARAMS, INVALID_REQUEST, LEGACY_VERSIONS, Refusal, describe_server, in_era, read_era
from .json_value import parse_json, to_json_value
from .schema import validate
from .workers import Workers

if TYPE_CHECKING:
    from .host import Host

# The longest line the workbench may send: the highest `max_message_bytes` of a manifest.
LINE_BYTES_MAX = 8_388_608

# Handlers at work at once; the default `max_processes` of a plugin counts threads too.
THREADS_MAX = 4

# Far above what the workbench lets in; beyond it calls are refused instead of queued.
CALLS_MAX = 1024

# Faster reports would cost the caller more than they tell.
PROGRESS_INTERVAL_S = 0.05

META_EFFECT = "org.logomesh/effect"
META_SETTINGS = "org.logomesh/settings"
META_IDEMPOTENCY_KEY = "org.logomesh/idempotencyKey"
# Says to the workbench for which call a request on the host plane is.
META_CALL = "org.logomesh/call"

PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601


class Tool(Protocol):
    name: str
    description: str
    effect: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None

    def call(self, arguments: dict[str, Any], context: Context) -> Any: ...


class PluginServer:
    def __init__(
        self,
        *,
        name: str,
        version: str,
        tools: Mapping[str, Tool],
        send: Callable[[bytes], None],
        log: Callable[[str], None],
        host_of: Callable[[str | None, threading.Event | None], Host],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._info = {"name": name, "version": version}
        self._tools = tools
        self._send_bytes = send
        self._log = log
        self._host_of = host_of
        self._now = now
        self._buffer = bytearray()
        self._skipping = False
        self._initialized = False
        self._settings: dict[str, Any] = {}
        self._send_lock = threading.Lock()
        # Guards `_calls`, and tells of each one that ended.
        self._call_ended = threading.Condition()
        self._calls: dict[str | int, threading.Event] = {}
        self._workers = Workers(THREADS_MAX)

    def receive(self, chunk: bytes) -> None:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._take(end)
            line, skipped = bytes(self._buffer), self._skipping
            self._buffer.clear()
            self._skipping = False
            if skipped:
                self._fail(None, PARSE_ERROR, "the message is longer than the limit")
            else:
                self._receive_line(line)
        self._take(rest)

    def close(self, timeout_s: float) -> bool:
        """Cancels what is in flight and waits for it; False when a handler did not end in time."""
        with self._call_ended:
            for cancel in self._calls.values():
                cancel.set()
            ended = self._call_ended.wait_for(lambda: not self._calls, timeout_s)
        self._workers.close()
        return ended

    def _take(self, part: bytes) -> None:
        if self._skipping:
            return
        self._buffer += part
        if len(self._buffer) > LINE_BYTES_MAX:
            self._skipping = True
            self._buffer.clear()

    def _receive_line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = parse_json(line.decode("utf-8"))
        except ValueError as error:
            self._fail(None, PARSE_ERROR, f"not a line of JSON in UTF-8: {error}")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._fail(None, INVALID_REQUEST, "not a JSON-RPC 2.0 message")
            return
        request_id, method, params = message.get("id"), message.get("method"), message.get("params", {})
        has_id = isinstance(request_id, (str, int, float)) and not isinstance(request_id, bool)
        if not isinstance(method, str):
            if not (has_id and ("result" in message or "error" in message)):
                self._fail(request_id if has_id else None, INVALID_REQUEST, "neither a request nor a response")
        elif not isinstance(params, dict):
            self._fail(request_id if has_id else None, INVALID_REQUEST, "params must be an object")
        elif "id" not in message:
            self._handle_notification(method, params)
        elif not has_id:
            self._fail(None, INVALID_REQUEST, "the id must be a string or a number")
        else:
            self._handle_request(request_id, method, params)

    def _handle_notification(self, method: str, params: dict[str, Any]) -> None:
        request_id = params.get("requestId")
        if method != "notifications/cancelled" or not isinstance(request_id, (str, int)):
            return
        with self._call_ended:
            cancel = self._calls.get(request_id)
        if cancel is not None:
            cancel.set()

    def _handle_request(self, request_id: Any, method: str, params: dict[str, Any]) -> None:
        era = read_era(method, params, is_initialized=self._initialized)
        if isinstance(era, Refusal):
            self._fail(request_id, era.code, era.message, era.data)
        elif method == "initialize":
            self._initialized = True
            self._read_settings(params)
            wanted = params.get("protocolVersion")
            version = wanted if wanted in LEGACY_VERSIONS else LEGACY_VERSIONS[0]
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": self._info}
            self._reply(request_id, result)
        elif method == "ping" and era == "legacy":
            self._reply(request_id, {})
        elif method == "server/discover" and era == "modern":
            self._read_settings(params)
            self._reply(request_id, in_era(era, describe_server(self._info)))
        elif method == "tools/list":
            tools = {"tools": [_describe(tool) for tool in self._tools.values()]}
            self._reply(request_id, in_era(era, tools, is_listing=True))
        elif method == "tools/call":
            self._call_tool(request_id, params, era)
        else:
            self._fail(request_id, METHOD_NOT_FOUND, f"no method {method}")

    def _read_settings(self, params: dict[str, Any]) -> None:
        """The workbench tells them once, with its first request."""
        meta = params.get("_meta")
        settings = meta.get(META_SETTINGS) if isinstance(meta, dict) else None
        if isinstance(settings, dict):
            self._settings = settings

    def _call_tool(self, request_id: Any, params: dict[str, Any], era: str) -> None:
        name, arguments = params.get("name"), params.get("arguments", {})
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            self._fail(request_id, INVALID_PARAMS, f"no tool named {json.dumps(name)}")
            return
        if not isinstance(arguments, dict):
            self._fail(request_id, INVALID_PARAMS, "arguments must be an object")
            return
        problems = validate(tool.input_schema, arguments)
        if problems:
            refused = _error_result(f"Arguments of {name} are not valid: {'; '.join(problems)}.")
            self._reply(request_id, in_era(era, refused))
            return
        meta = params.get("_meta")
        cancel = threading.Event()
        context = self._context(meta if isinstance(meta, dict) else {}, cancel)
        refusal = None
        with self._call_ended:
            if request_id in self._calls:
                refusal = "a call with this id is in flight"
            elif len(self._calls) >= CALLS_MAX:
                refusal = f"{CALLS_MAX} calls are in flight"
            else:
                self._calls[request_id] = cancel
                self._workers.submit(lambda: self._run(request_id, tool, arguments, context, era))
        if refusal is not None:
            self._fail(request_id, INVALID_REQUEST, refusal)

    def _run(self, request_id: Any, tool: Tool, arguments: dict[str, Any], context: Context, era: str) -> None:
        result: dict[str, Any] | None = None
        try:
            if not context.cancelled:
                result = _result(tool, tool.call(arguments, context))
        except Cancelled:
            result = None
        except ToolError as error:
            result = _error_result(str(error))
        except (Exception, SystemExit) as error:
            # A handler that calls sys.exit() ends its call, not the plugin.
            import traceback

            self._log(f"tool {tool.name} failed: {traceback.format_exc()}")
            result = _error_result(str(error) or type(error).__name__)
        with self._call_ended:
            self._calls.pop(request_id, None)
            self._call_ended.notify_all()
        # The protocol wants no answer to a cancelled request.
        if result is not None and not context.cancelled:
            self._reply(request_id, in_era(era, result))

    def _context(self, meta: dict[str, Any], cancel: threading.Event) -> Context:
        token, key = meta.get("progressToken"), meta.get(META_IDEMPOTENCY_KEY)
        reported_at = float("-inf")

        def report(params: dict[str, Any]) -> None:
            nonlocal reported_at
            now = self._now()
            if token is None or cancel.is_set() or now - reported_at < PROGRESS_INTERVAL_S:
                return
            reported_at = now
            message = to_json_value({"progressToken": token, **params}, "progress")
            self._send({"jsonrpc": "2.0", "method": "notifications/progress", "params": message})

        call_token = meta.get(META_CALL)

        def host() -> Host:
            return self._host_of(call_token if isinstance(call_token, str) else None, cancel)

        return Context(
            cancel=cancel,
            report=report,
            log=self._log,
            host=host,
            idempotency_key=key if isinstance(key, str) else None,
            settings=self._settings,
        )

    def _reply(self, request_id: Any, result: dict[str, Any]) -> None:
        self._send({"jsonrpc": "2.0", "id": request_id, "result": result})

    def _fail(self, request_id: Any, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        error = {"code": code, "message": message}
        self._send({"jsonrpc": "2.0", "id": request_id, "error": error if data is None else error | {"data": data}})

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
        with self._send_lock:
            self._send_bytes(line)


def _describe(tool: Tool) -> dict[str, Any]:
    description = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "annotations": {"readOnlyHint": tool.effect == "pure", "idempotentHint": tool.effect != "once"},
        "_meta": {META_EFFECT: tool.effect},
    }
    return description if tool.output_schema is None else description | {"outputSchema": tool.output_schema}


def _result(tool: Tool, value: Any) -> dict[str, Any]:
    """Raises TypeError for a result that is not JSON or does not fit the output schema: a fault of the plugin."""
    if isinstance(value, str) and tool.output_schema is None:
        return {"content": [{"type": "text", "text": value}], "isError": False}
    data = to_json_value(value)
    if tool.output_schema is not None:
        problems = validate(tool.output_schema, data)
        if problems:
            raise TypeError(f"The result of {tool.name} does not fit its output schema: {'; '.join(problems)}.")
    content = [{"type": "text", "text": json.dumps(data, ensure_ascii=False, allow_nan=False)}]
    structured = {"structuredContent": data} if isinstance(data, dict) else {}
    return {"content": content, **structured, "isError": False}


def _error_result(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}
