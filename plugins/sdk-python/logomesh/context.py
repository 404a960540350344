"""What a handler sees of the call it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .host import Host


class ToolError(Exception):
    """A failure that the caller can do something about; its message is shown as it is."""


class Cancelled(Exception):
    """Raised inside a handler whose call was cancelled. Let it pass."""


class HostError(Exception):
    """A request that the workbench refused or could not carry out."""

    def __init__(self, message: str, *, code: str, status: int | None = None, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        """`LM_POLICY_DENIED`, `LM_FILE_NOT_FOUND` … as in the workbench's list of errors."""
        self.status = status
        """4030 denied, 4031 needs a grant, 4130 too large, 4290 too many, 5040 too late; None when the operation itself failed."""
        self.data = data or {}
        self.is_retryable = self.data.get("retryable") is True
        """The same request may work later."""


class Context:
    """Ask for it with a parameter annotated `Context`."""

    def __init__(
        self,
        *,
        cancel: threading.Event,
        report: Callable[[dict[str, Any]], None],
        log: Callable[[str], None],
        host: Callable[[], Host],
        idempotency_key: str | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self._cancel = cancel
        self._report = report
        self._log = log
        self._make_host = host
        self._host: Host | None = None
        self.idempotency_key = idempotency_key
        """The same for every attempt of one step, when the tool is `idempotent` and a workflow calls it."""
        self.settings = {} if settings is None else settings
        """What a person set for the plugin, over the defaults of `config` in its manifest."""

    @property
    def host(self) -> Host:
        """What the workbench does for the plugin on behalf of whoever called: files, store, models, other plugins, events."""
        if self._host is None:
            self._host = self._make_host()
        return self._host

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
