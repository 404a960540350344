"""The two eras of the Model Context Protocol.

Up to 2025-11-25 a connection begins with `initialize`; from 2026-07-28 on each request says its revision in `_meta` and nothing
has to come before it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MODERN = "2026-07-28"
LEGACY_VERSIONS = ("2025-11-25", "2025-06-18")
SUPPORTED = (MODERN, *LEGACY_VERSIONS)

META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_SERVER = "io.modelcontextprotocol/serverInfo"

INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
UNSUPPORTED_VERSION = -32022

# The tools of a plugin do not change while it runs.
LISTING = {"ttlMs": 3_600_000, "cacheScope": "public"}


class Refusal(NamedTuple):
    code: int
    message: str
    data: dict[str, Any] | None = None


def read_era(method: str, params: dict[str, Any], *, is_initialized: bool) -> str | Refusal:
    """How a request is spoken, `legacy` or `modern`, or why it cannot be answered."""
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    version = meta.get(META_VERSION)
    if method == "initialize" or (version is None and method == "ping"):
        return "legacy"
    if version == MODERN:
        if isinstance(meta.get(META_CAPABILITIES), dict):
            return "modern"
        return Refusal(INVALID_PARAMS, f"{META_CAPABILITIES} is missing in _meta")
    if version is not None:
        requested = version if isinstance(version, str) else ""
        return Refusal(
            UNSUPPORTED_VERSION, "Unsupported protocol version", {"supported": [*SUPPORTED], "requested": requested}
        )
    if method == "server/discover":
        return Refusal(INVALID_PARAMS, f"{META_VERSION} is missing in _meta")
    if is_initialized or method not in ("tools/list", "tools/call"):
        return "legacy"
    return Refusal(INVALID_REQUEST, "send initialize first")


def describe_server(info: dict[str, str]) -> dict[str, Any]:
    """The answer to `server/discover`."""
    return {
        "supportedVersions": [*SUPPORTED],
        "capabilities": {"tools": {}},
        **LISTING,
        "_meta": {META_SERVER: info},
    }


def in_era(era: str, result: dict[str, Any], *, is_listing: bool = False) -> dict[str, Any]:
    """A result as its era wants it."""
    if era == "legacy":
        return result
    return {"resultType": "complete", **result, **(LISTING if is_listing else {})}
