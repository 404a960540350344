"""What a handler sees of the call it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any


class ToolError(Exception):
    """A failure that the caller can do something about; its message is shown as it is."""


class Cancelled(Exception):
    """Raised inside a handler whose call was cancelled. Let it pass."""


class Context:
    """Ask for it with a parameter annotated `Context`."""

    def __init__(
        self,
        *,
        cancel: threading.Event,
        report: Callable[[dict[str, Any]], None],
        log: Callable[[str], None],
        idempotency_key: str | None = None,
    ) -> None:
        self._cancel = cancel
        self._report = report
        self._log = log
        self.idempotency_key = idempotency_key
        """The same for every attempt of one step, when the tool is `idempotent` and a workflow calls it."""

    @property
    def cancelled(self) -> bool:
        """True once the caller has cancelled or the workbench stops the plugin."""
        return self._cancel.is_set()

    def raise_if_cancelled(self) -> None:
        """Call it in long loops; a handler that goes on after a cancel is killed."""
        if self._cancel.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Waits, or raises `Cancelled` as soon as the call is cancelled."""
        if self._cancel.wait(seconds):
            raise Cancelled

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tells the caller how far the call is. Reports closer than 50 ms after the last one are dropped."""
        report = {"progress": progress, "total": total, "message": message}
        self._report({key: value for key, value in report.items() if value is not None})

    def log(self, message: str, **fields: Any) -> None:
        """Writes a line to the plugin's log (stderr)."""
        self._log(f"{message} {json.dumps(fields, default=str)}" if fields else message)
