"""What the workbench does for a plugin, within what a person granted: the same names as in the SDK for Node.js, in snake_case."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .host_connection import HostConnection

# Parts of a blob that travel as one message.
PART_BYTES = 384 * 1024


class Host:
    """Each method raises `HostError`; its `status` 4030 says that the request was denied and why."""

    def __init__(
        self, connection: HostConnection, *, token: str | None = None, cancel: threading.Event | None = None
    ) -> None:
        self._connection = connection
        self._token = token
        self._cancel = cancel
        self.store = Store(self)
        self.blobs = Blobs(self)
        self.llm = Llm(self)
        self.thoughts = Thoughts(self)

    def call(
        self, tool: str, on_progress: Callable[[dict[str, Any]], None] | None = None, /, **arguments: Any
    ) -> dict[str, Any]:
        """Any tool of the workbench by its name; arguments that are None are left out."""
        return self._connection.call(tool, arguments, token=self._token, cancel=self._cancel, on_progress=on_progress)

    def read_file(self, path: str) -> dict[str, Any]:
        """`path` as the workbench calls it, `text` and `sha256`; for what is no text in UTF-8 use `read_bytes`."""
        return self.call("fs_read", path=path)

    def read_bytes(self, path: str) -> bytes:
        return base64.b64decode(self.call("fs_read", path=path, **{"as": "base64"})["base64"])

    def list_files(self, path: str) -> list[dict[str, Any]]:
        """`name`, `kind` (file, folder, other) and `size` of what a folder holds."""
        return self.call("fs_list", path=path)["entries"]

    def propose_file_change(self, path: str, text: str | None, *, reason: str | None = None) -> dict[str, Any]:
        """The file changes when a person has approved exactly this text; None deletes it."""
        arguments = {"path": path, "text": text, **({} if reason is None else {"reason": reason})}
        return self._connection.call(
            "fs_propose_change", arguments, token=self._token, cancel=self._cancel, keep_none=("text",)
        )

    def propose_model(
        self, alias: str, provider: str, model: str, *, why: str, options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The alias (`default` or `fast`) stands for this model when a person has approved exactly that; `why` is what the person reads."""
        return self.call("model_propose", alias=alias, provider=provider, model=model, options=options, why=why)

    def fetch(
        self,
        url: str,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
    ) -> dict[str, Any]:
        """`status`, `headers`, `url` and `body` (bytes)."""
        sent = {"bodyBase64": base64.b64encode(body).decode()} if isinstance(body, bytes) else {"body": body}
        named = None if headers is None else dict(headers)
        answer = self.call("net_fetch", url=url, method=method, headers=named, **sent, **{"as": "base64"})
        return {**answer, "body": base64.b64decode(answer.pop("base64"))}

    def call_plugin(
        self,
        plugin: str,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """`content`, `structuredContent` and `isError`, which is returned, not raised.

        `on_progress` hears `progress`, `total` and `message` of the other, when it tells; in the thread that reads.
        """
        given = {"plugin": plugin, "tool": tool, "arguments": dict(arguments or {}), "timeoutMs": timeout_ms}
        return self.call("plugin_call", on_progress, **given)

    def publish(self, type: str, *, subject: str | None = None, data: Any = None) -> dict[str, Any]:
        return self.call("event_publish", type=type, subject=subject, data=data)

    def listen(self, types: str | list[str]) -> Iterator[dict[str, Any]]:
        """`event` and `dropped` for each event of these types, until the loop ends or the call is cancelled."""
        wanted = [types] if isinstance(types, str) else types
        return self._connection.listen(wanted, token=self._token, cancel=self._cancel)


class Store:
    """Values of this plugin, which nobody else sees."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def get(self, key: str, default: Any = None) -> Any:
        answer = self._host.call("store_get", key=key)
        return answer.get("value") if answer["found"] else default

    def put(self, key: str, value: Any) -> None:
        host = self._host
        arguments = {"key": key, "value": value}
        host._connection.call("store_put", arguments, token=host._token, cancel=host._cancel, keep_none=("value",))

    def delete(self, key: str) -> bool:
        """False when there was no such key."""
        return self._host.call("store_delete", key=key)["deleted"]

    def list(self, prefix: str = "", *, after: str | None = None) -> dict[str, Any]:
        """`keys` in order, and `isMore`; `after` continues."""
        return self._host.call("store_list", prefix=prefix, after=after)


class Blobs:
    """Bytes by handle (`logomesh://blob/…`), which other plugins can be given in a call."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def put(self, data: bytes, *, media: str | None = None) -> str:
        return self._host.call("blob_put", base64=base64.b64encode(data).decode(), media=media)["handle"]

    def get(self, handle: str) -> tuple[bytes, str]:
        """The bytes and their media type."""
        parts = bytearray()
        while True:
            part = self._host.call("blob_get", handle=handle, offset=len(parts), length=PART_BYTES)
            parts += base64.b64decode(part["base64"])
            if not part["isMore"]:
                return bytes(parts), part["media"]


class Llm:
    def __init__(self, host: Host) -> None:
        self._host = host

    def generate(
        self,
        prompt: str | None = None,
        *,
        messages: list[dict[str, str]] | None = None,
        model: str | None = None,
        system: str | None = None,
        format: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        max_tokens: int | None = None,
        timeout_ms: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """`text`, `structured` with a `format`, `model`, `simulated` …; `on_text` gets the text bit by bit."""
        return self._host.call(
            "llm_generate",
            None if on_text is None else lambda told: on_text(str(told.get("message", ""))),
            **{"prompt": prompt, "messages": messages, "model": model, "system": system, "format": format},
            **{"options": options, "maxTokens": max_tokens, "timeoutMs": timeout_ms},
        )


class Thoughts:
    """Notes of the workspace. Whoever reads them handles private data from then on."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def search(self, text: str = "", *, tag: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        return self._host.call("thought_search", text=text, tag=tag, limit=limit)["thoughts"]

    def get(self, thought_id: str) -> dict[str, Any]:
        return self._host.call("thought_get", id=thought_id)["thought"]

    def create(
        self,
        title: str,
        *,
        body: str | None = None,
        tags: list[str] | None = None,
        segments: list[dict[str, Any]] | None = None,
    ) -> str:
        """The id of the new thought."""
        return self._host.call("thought_create", title=title, body=body, tags=tags, segments=segments)["id"]
