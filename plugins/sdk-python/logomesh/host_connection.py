"""The plugin's half of the host plane: a client of the Model Context Protocol (revision 2026-07-28, without handshake) on the descriptor that
LOGOMESH_HOST_FD names. Opened by the first request; a thread reads the answers, and handlers wait for theirs.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from .context import Cancelled, HostError
from .json_value import parse_json, to_json_value

META_CALL = "org.logomesh/call"
META_BASE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "logomesh-python", "version": "0.1.0"},
}

# How soon a handler that waits notices that its call was cancelled.
CANCEL_POLL_S = 0.1

READ_BYTES = 65_536

PROGRESS_KEYS = ("progress", "total", "message")


class _Request:
    def __init__(self, on_progress: Callable[[dict[str, Any]], None] | None) -> None:
        self.changed = threading.Condition()
        self.answer: dict[str, Any] | None = None
        self.events: deque[dict[str, Any]] = deque()
        self.on_progress = on_progress


class HostConnection:
    """`open_fd` gives the descriptor, once, when the first request is made."""

    def __init__(self, open_fd: Callable[[], int]) -> None:
        self._open_fd = open_fd
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._requests: dict[int, _Request] = {}
        self._next_id = 1

    def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        token: str | None = None,
        cancel: threading.Event | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        keep_none: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The `structuredContent` of a tool of the workbench. Arguments that are None are left out, unless they mean it.

        Raises HostError, Cancelled when the call that it is for is cancelled, and TypeError for what is not JSON.
        """
        given = {key: value for key, value in arguments.items() if value is not None or key in keep_none}
        params = {"name": tool, "arguments": to_json_value(given, tool)}
        request_id, request = self._send_request("tools/call", params, token, on_progress)
        try:
            result = self._wait(request_id, request, cancel)
        finally:
            self._requests.pop(request_id, None)
        content = result.get("structuredContent")
        content = content if isinstance(content, dict) else {}
        if result.get("isError") is True:
            raise HostError(
                str(content.get("message", f"{tool} failed")), code=str(content.get("code", "LM_INTERNAL")), data=content
            )
        return content

    def listen(
        self, types: list[str], *, token: str | None = None, cancel: threading.Event | None = None
    ) -> Iterator[dict[str, Any]]:
        """Events in order, until the loop that reads them ends or the call is cancelled."""
        request_id, request = self._send_request("events/listen", {"types": list(types)}, token, None)
        try:
            while True:
                with request.changed:
                    while not request.events and request.answer is None:
                        if cancel is not None and cancel.is_set():
                            return
                        request.changed.wait(CANCEL_POLL_S)
                    event = request.events.popleft() if request.events else None
                if event is None:
                    _result_of(request.answer or {})
                    return
                yield event
        finally:
            if request.answer is None:
                self._send({"method": "notifications/cancelled", "params": {"requestId": request_id}})
            self._requests.pop(request_id, None)

    def _send_request(
        self, method: str, params: dict[str, Any], token: str | None, on_progress: Callable[[dict[str, Any]], None] | None
    ) -> tuple[int, _Request]:
        request = _Request(on_progress)
        with self._lock:
            request_id = self._next_id
            self._next_id += 1
            self._requests[request_id] = request
        meta: dict[str, Any] = dict(META_BASE)
        if token is not None:
            meta[META_CALL] = token
        if on_progress is not None:
            meta["progressToken"] = request_id
        try:
            self._send({"id": request_id, "method": method, "params": {**params, "_meta": meta}})
        except BaseException:
            self._requests.pop(request_id, None)
            raise
        return request_id, request

    def _wait(self, request_id: int, request: _Request, cancel: threading.Event | None) -> dict[str, Any]:
        with request.changed:
            while request.answer is None:
                if cancel is not None and cancel.is_set():
                    break
                request.changed.wait(None if cancel is None else CANCEL_POLL_S)
        if request.answer is None:
            self._send({"method": "notifications/cancelled", "params": {"requestId": request_id}})
            raise Cancelled
        return _result_of(request.answer)

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
        with self._lock:
            if self._fd is None:
                self._fd = self._open_fd()
                threading.Thread(target=self._read, args=(self._fd,), name="host-plane", daemon=True).start()
            view = memoryview(line)
            try:
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError as error:
                raise _closed() from error

    def _read(self, fd: int) -> None:
        buffer = bytearray()
        try:
            while chunk := os.read(fd, READ_BYTES):
                *ends, rest = chunk.split(b"\n")
                for end in ends:
                    buffer += end
                    self._receive(parse_json(buffer.decode("utf-8")))
                    buffer.clear()
                buffer += rest
        except (OSError, ValueError):
            # The workbench is gone; everybody who waits is told below.
            buffer.clear()
        for request in list(self._requests.values()):
            with request.changed:
                request.answer = {"error": {"message": "The workbench closed the host plane.", "data": {"code": "HOST_CLOSED"}}}
                request.changed.notify_all()

    def _receive(self, message: Any) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "notifications/progress":
            request = self._requests.get(params.get("progressToken"))
            if request is not None and request.on_progress is not None:
                request.on_progress({key: params[key] for key in PROGRESS_KEYS if key in params})
        elif method == "notifications/events/event":
            request = self._requests.get(params.pop("subscriptionId", None))
            if request is not None:
                with request.changed:
                    request.events.append(params)
                    request.changed.notify_all()
        elif method is None:
            request = self._requests.get(message.get("id"))
            if request is not None:
                with request.changed:
                    request.answer = message
                    request.changed.notify_all()


_shared: HostConnection | None = None
_sharing = threading.Lock()


def shared_connection() -> HostConnection:
    """The one of the process: handlers run in several threads, and there is one descriptor."""
    global _shared
    with _sharing:
        _shared = _shared or HostConnection(open_announced)
        return _shared


def open_announced() -> int:
    """The descriptor that the workbench announced. Raises HostError when there is none."""
    text = os.environ.get("LOGOMESH_HOST_FD", "")
    if not text.isdecimal():
        raise HostError("There is no workbench to ask: LOGOMESH_HOST_FD is not set.", code="HOST_CLOSED")
    return int(text)


def _closed() -> HostError:
    return HostError("The workbench closed the host plane.", code="HOST_CLOSED")


def _result_of(answer: dict[str, Any]) -> dict[str, Any]:
    result, error = answer.get("result"), answer.get("error")
    if isinstance(result, dict):
        return result
    error = error if isinstance(error, dict) else {}
    data = error.get("data") if isinstance(error.get("data"), dict) else {}
    status = error.get("code")
    raise HostError(
        str(error.get("message", "The workbench refused the request.")),
        code=str(data.get("code", status if status is not None else "LM_INTERNAL")),
        status=status if isinstance(status, int) else None,
        data=data,
    )
