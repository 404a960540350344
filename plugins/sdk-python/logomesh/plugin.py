"""Declares a plugin and serves it on stdin and stdout."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .context import Context
from .schema import check_keywords, return_schema, signature_schema
from .server import PluginServer

if TYPE_CHECKING:
    from .host import Host

EFFECTS = ("pure", "idempotent", "once")

# The workbench kills a plugin 2 s after it closed its stdin; handlers that ignore the cancel get most of that.
CLOSE_GRACE_S = 1.5

READ_BYTES = 65_536

Function = TypeVar("Function", bound=Callable[..., Any])


class DeclaredTool:
    def __init__(
        self,
        *,
        name: str,
        description: str,
        effect: str,
        input_schema: dict[str, Any],
        output_schema: dict[str, Any] | None,
        function: Callable[..., Any],
        context_name: str | None,
    ) -> None:
        self.name = name
        self.description = description
        self.effect = effect
        self.input_schema = input_schema
        self.output_schema = output_schema
        self.function = function
        self.context_name = context_name

    def call(self, arguments: dict[str, Any], context: Context) -> Any:
        extra = {} if self.context_name is None else {self.context_name: context}
        return self.function(**arguments, **extra)


class Plugin:
    """A plugin: `plugin = Plugin("hello", "1.0.0")`, functions with `@plugin.tool(...)`, then `plugin.serve()`."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        self.tools: dict[str, DeclaredTool] = {}

    @property
    def host(self) -> Host:
        """The workbench, for what the plugin does by itself, outside of any call.

        Inside one use `context.host`: it asks in the name of whoever called, and this one, while calls are under way, in
        the name of all of them.
        """
        return self._host_of(None, None)

    def _host_of(self, token: str | None, cancel: threading.Event | None) -> Host:
        # Loaded here, because a plugin that asks for nothing does without.
        from .host import Host
        from .host_connection import shared_connection

        return Host(shared_connection(), token=token, cancel=cancel)

    def tool(
        self,
        *,
        effect: str,
        name: str | None = None,
        description: str | None = None,
        input: dict[str, Any] | None = None,
        output: dict[str, Any] | None = None,
    ) -> Callable[[Function], Function]:
        """Makes a function a tool and leaves the function as it is.

        Schemas follow from the type hints unless `input` or `output` give them; the description is the docstring's first
        paragraph unless given. `effect` is how often the effect of a call may happen: "pure", "idempotent" or "once";
        keep it as `plugin.json` says it.

        Raises TypeError for a name that is taken or a declaration that could not work.
        """

        def declare(function: Function) -> Function:
            self._add(function, effect=effect, name=name, description=description, input=input, output=output)
            return function

        return declare

    def server(self, send: Callable[[bytes], None]) -> PluginServer:
        """The plugin's half of the protocol, for who brings the bytes: `serve` does, and tests."""
        return PluginServer(
            name=self.name, version=self.version, tools=self.tools, send=send, log=_log, host_of=self._host_of
        )

    def _add(self, function: Callable[..., Any], *, effect: str, name: str | None, **given: Any) -> None:
        tool_name = name or function.__name__
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", tool_name):
            raise TypeError(f'Tool name "{tool_name}": use 1 to 128 letters, digits, "_", "-" or "."')
        if tool_name in self.tools:
            raise TypeError(f"Tool {tool_name} is declared twice")
        if effect not in EFFECTS:
            raise TypeError(f'Tool {tool_name}: the effect "{effect}" must be one of {", ".join(EFFECTS)}')
        description = given["description"] or _first_paragraph(function.__doc__ or "")
        if not description:
            raise TypeError(f"Tool {tool_name} needs a docstring or a description")
        hinted, context_name = signature_schema(function)
        input_schema = given["input"] or hinted
        output_schema = given["output"] or return_schema(function)
        for label, schema in (("input", input_schema), ("output", output_schema)):
            if schema is None:
                continue
            if schema.get("type") != "object":
                raise TypeError(f"Tool {tool_name}: the {label} schema must be an object schema")
            check_keywords(schema, label)
        self.tools[tool_name] = DeclaredTool(
            name=tool_name,
            description=description,
            effect=effect,
            input_schema=input_schema,
            output_schema=output_schema,
            function=function,
            context_name=context_name,
        )

    def serve(self) -> None:
        """Speaks the Model Context Protocol on stdin and stdout until stdin closes, then ends the process.

        `print` and everything else that writes to stdout lead to stderr from then on, also in child processes, so that
        nothing but the protocol reaches the workbench; reading stdin finds it empty. Under `logomesh plugin test` it returns
        at once, so that tests can import the plugin.
        """
        if "LOGOMESH_TEST" in os.environ:
            return
        read_fd, write_fd = _claim_stdio()

        def send(data: bytes) -> None:
            _write_all(write_fd, data)

        server = self.server(send)
        while chunk := os.read(read_fd, READ_BYTES):
            server.receive(chunk)
        server.close(CLOSE_GRACE_S)
        sys.stderr.flush()
        # Not sys.exit: it would wait for a handler that ignores its cancel.
        os._exit(0)


def _first_paragraph(documentation: str) -> str:
    lines: list[str] = []
    for line in map(str.strip, documentation.strip().splitlines()):
        if line == "":
            break
        lines.append(line)
    return " ".join(lines)


def _claim_stdio() -> tuple[int, int]:
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return read_fd, write_fd


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except BrokenPipeError:
        # The workbench went away: nobody is left to answer.
        os._exit(0)


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
