"""A plugin in the hands of an attacker: its one tool runs the code that it is sent."""

import base64
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
tools = [{"name": "attack", "inputSchema": {"type": "object"}}]
plane = None


def raw(data):
    """Writes bytes or text to the workbench as they are."""
    left = memoryview(data.encode() if isinstance(data, str) else data)
    while left:
        left = left[os.write(1, left) :]


def send(**message):
    raw(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def request(method, params):
    """Asks the workbench on descriptor 3 and answers the whole message."""
    global plane
    plane = plane or os.fdopen(os.dup(3), "r+b", buffering=0)
    params = {**params, "_meta": {**MODERN, **params.get("_meta", {})}}
    plane.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
    return json.loads(plane.readline())


def attack(message):
    printed = []
    known = {
        "print": lambda *parts, **_: printed.append(" ".join(map(str, parts))),
        **{"raw": raw, "send": send, "request": request, "message": message, "tools": tools},
    }
    try:
        exec(base64.b64decode(message["params"]["arguments"]["code"]).decode(), known)
    except BaseException as error:
        printed.append(f"{type(error).__name__}: {error}")
    output = "\n".join(printed).encode("utf8", "surrogateescape")
    return {"content": [], "structuredContent": {"output": base64.b64encode(output).decode()}}


def answer(message):
    match message["method"]:
        case "initialize":
            version = message["params"]["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "agent", "version": "1"}}
        case "ping":
            return {}
        case "tools/list":
            return {"tools": tools}
        case "tools/call":
            return attack(message)


def main():
    start = os.path.join(FOLDER, "start.py")
    if os.path.exists(start):
        exec(open(start).read(), globals())
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        result = answer(message)
        if result is None:
            send(id=message["id"], error={"code": -32601, "message": "method not found"})
        else:
            send(id=message["id"], result=result)


main()
