"""For the tests of a plugin, which `logomesh plugin test` runs in the sandbox.

There the host on descriptor 3 answers what a test says and performs nothing; the plugin under test asks it as it asks the
workbench. An expected call is a dict of:

- `tool`: as the workbench calls it, `fs_read`, `store_get`, `net_fetch`, `llm_generate` …, or `events/listen`
- `arguments`: what is named here has to be asked so; what is not may be anything
- `result`: what follows from the rest (hash and length of a text, ids) may be left out; what the workbench would never answer
  is refused. Or `error`: `code` of docs/errors.md, and `message`
- `pieces` (of `llm_generate`), `progress` (of `plugin_call`), `events` (of `events/listen`), `times` (default 1)
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .era import META_CAPABILITIES, META_VERSION, MODERN
from .host import Host
from .host_connection import shared_connection
from .plugin import Plugin
from .server import META_IDEMPOTENCY_KEY, META_SETTINGS

CLOSE_S = 5.0

_META = {META_VERSION: MODERN, META_CAPABILITIES: {}}


class ScriptError(AssertionError):
    """The plugin asked for something that the test did not expect, or did not ask for what it did."""


@contextmanager
def with_host(calls: Sequence[Mapping[str, Any]]) -> Iterator[Host]:
    """A host that answers these calls, for code that is given a host.

    Raises ScriptError at its end for a call that was not expected, and for an expected one that never came.
    """
    with _script(calls):
        yield Host(shared_connection())


def call_tool(
    plugin: Plugin,
    tool: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    host: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """Calls a tool as the workbench does: arguments and result are checked against its schemas.

    What it raises is an answer with `isError`. Besides `content`, `structuredContent` and `isError` there are `progress`, what
    it told while it worked, and `hostCalls`, what it asked of the host, in order. Raises ScriptError as `with_host` does.
    """
    with _script(host) as verdict:
        answer = _ask(plugin, tool, dict(arguments or {}), dict(settings or {}), idempotency_key)
    return {**answer, "hostCalls": verdict["calls"]}


@contextmanager
def _script(calls: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    if "LOGOMESH_TEST" not in os.environ:
        raise RuntimeError("There is no host to script here: run the tests with `logomesh plugin test`.")
    connection = shared_connection()
    connection.call("test_begin", {"calls": [dict(call) for call in calls]})
    verdict: dict[str, Any] = {}
    try:
        yield verdict
    except Exception as error:
        problems = connection.call("test_end", {})["problems"]
        # That the host refused is why it failed.
        if problems and str(error) not in problems:
            raise ScriptError("\n".join(problems)) from error
        raise
    verdict.update(connection.call("test_end", {}))
    if verdict["problems"]:
        raise ScriptError("\n".join(verdict["problems"]))


def _ask(
    plugin: Plugin, tool: str, arguments: dict[str, Any], settings: dict[str, Any], idempotency_key: str | None
) -> dict[str, Any]:
    progress: list[dict[str, Any]] = []
    answers: dict[int, dict[str, Any]] = {}
    answered = threading.Event()

    def receive(data: bytes) -> None:
        message = json.loads(data)
        if message.get("method") == "notifications/progress":
            progress.append({key: value for key, value in message["params"].items() if key != "progressToken"})
        elif "id" in message:
            answers[message["id"]] = message
            if message["id"] == 2:
                answered.set()

    server = plugin.server(receive)

    def send(message: dict[str, Any]) -> None:
        server.receive(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    send({"id": 1, "method": "server/discover", "params": {"_meta": {**_META, META_SETTINGS: settings}}})
    key = {} if idempotency_key is None else {META_IDEMPOTENCY_KEY: idempotency_key}
    meta = {**_META, "progressToken": 2, **key}
    send({"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": meta}})
    answered.wait()
    server.close(CLOSE_S)
    answer = answers[2]
    if "result" not in answer:
        raise ValueError(answer["error"]["message"])
    kept = {name: answer["result"][name] for name in ("content", "structuredContent", "isError") if name in answer["result"]}
    return {**kept, "progress": progress}
