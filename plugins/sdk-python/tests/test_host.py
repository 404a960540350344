"""The client of the host plane, against a workbench that is played on the other end of a pair of sockets."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import unittest
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from logomesh import Cancelled, HostError  # noqa: E402
from logomesh.host import Host  # noqa: E402
from logomesh.host_connection import HostConnection, open_announced  # noqa: E402


class PlayedWorkbench:
    """Answers each request with what `answer` makes of it, and keeps what it was sent."""

    def __init__(self, answer: Any) -> None:
        self.ours, theirs = socket.socketpair()
        self.fd = theirs.detach()
        self.sent: list[dict[str, Any]] = []
        self.heard = threading.Condition()
        self._answer = answer
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with self.ours.makefile("rb") as stream:
            for line in stream:
                message = json.loads(line)
                # Before the answer, after which the test looks.
                with self.heard:
                    self.sent.append(message)
                    self.heard.notify_all()
                for reply in self._answer(message):
                    self.say(reply)

    def say(self, message: dict[str, Any]) -> None:
        self.ours.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def wait_for(self, method: str) -> dict[str, Any]:
        with self.heard:
            self.heard.wait_for(lambda: any(m.get("method") == method for m in self.sent), 10)
            return next(m for m in self.sent if m.get("method") == method)

    def hang_up(self) -> None:
        self.ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        try:
            self.hang_up()
        except OSError:
            pass  # hung up before
        self.thread.join(5)
        self.ours.close()


def result(message: dict[str, Any], content: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"id": message["id"], "result": {"structuredContent": content, "isError": False, **more}}]


class HostTest(unittest.TestCase):
    def play(self, answer: Any, **options: Any) -> tuple[PlayedWorkbench, Host]:
        bench = PlayedWorkbench(answer)
        self.addCleanup(bench.close)
        return bench, Host(HostConnection(lambda: bench.fd), **options)

    def test_each_method_is_a_tool_of_the_workbench(self) -> None:
        contents = {
            "fs_read": {"path": "a", "text": "t", "base64": "aGk=", "sha256": "s"},
            "fs_list": {"entries": [{"name": "a"}]},
            "fs_propose_change": {"approvalId": "apr"},
            "model_propose": {"approvalId": "apr"},
            "store_get": {"found": True, "value": 1},
            "store_put": {},
            "store_delete": {"deleted": True},
            "store_list": {"keys": ["a"], "isMore": False},
            "blob_put": {"handle": "h"},
            "net_fetch": {"status": 200, "headers": {}, "url": "u", "base64": "aGk="},
            "llm_generate": {"text": "yes"},
            "plugin_call": {"content": [], "isError": False},
            "thought_search": {"thoughts": [{"id": "t"}]},
            "thought_get": {"thought": {"id": "t"}},
            "thought_create": {"id": "t"},
            "event_publish": {"id": "e"},
        }
        bench, host = self.play(lambda m: result(m, contents[m["params"]["name"]]), token="call-1")
        self.assertEqual(host.read_file("a")["text"], "t")
        self.assertEqual(host.read_bytes("a"), b"hi")
        self.assertEqual(host.list_files("."), [{"name": "a"}])
        self.assertEqual(host.propose_file_change("a", None), {"approvalId": "apr"})
        self.assertEqual(host.propose_file_change("a", "x", reason="r"), {"approvalId": "apr"})
        self.assertEqual(host.propose_model("fast", "ollama", "m", why="w"), {"approvalId": "apr"})
        self.assertEqual(host.store.get("k"), 1)
        host.store.put("k", None)
        self.assertTrue(host.store.delete("k"))
        self.assertEqual(host.store.list("p", after="a")["keys"], ["a"])
        self.assertEqual(host.blobs.put(b"hi", media="m"), "h")
        self.assertEqual(host.fetch("https://e", body=b"hi", headers={"a": "b"})["body"], b"hi")
        self.assertEqual(host.fetch("https://e", body="hi")["status"], 200)
        self.assertEqual(host.llm.generate("p", max_tokens=5)["text"], "yes")
        self.assertEqual(host.call_plugin("p", "t", {"a": 1}, timeout_ms=9), {"content": [], "isError": False})
        self.assertEqual(host.thoughts.search("x"), [{"id": "t"}])
        self.assertEqual(host.thoughts.get("t"), {"id": "t"})
        self.assertEqual(host.thoughts.create("t", tags=["x"]), "t")
        self.assertEqual(host.publish("a.b", data=[1]), {"id": "e"})
        asked = [(m["params"]["name"], m["params"]["arguments"]) for m in bench.sent]
        self.assertIn(("fs_propose_change", {"path": "a", "text": None}), asked)
        named = {"alias": "fast", "provider": "ollama", "model": "m", "why": "w"}
        self.assertIn(("model_propose", named), asked)
        self.assertIn(("store_put", {"key": "k", "value": None}), asked)
        self.assertIn(("net_fetch", {"url": "https://e", "headers": {"a": "b"}, "bodyBase64": "aGk=", "as": "base64"}), asked)
        self.assertIn(("plugin_call", {"plugin": "p", "tool": "t", "arguments": {"a": 1}, "timeoutMs": 9}), asked)
        for message in bench.sent:
            meta = message["params"]["_meta"]
            self.assertEqual(meta["org.logomesh/call"], "call-1")
            self.assertEqual(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28")

    def test_a_key_that_is_not_there_gives_the_default(self) -> None:
        _, host = self.play(lambda m: result(m, {"found": False}))
        self.assertIsNone(host.store.get("k"))
        self.assertEqual(host.store.get("k", 7), 7)

    def test_a_blob_comes_in_parts(self) -> None:
        parts = iter([{"base64": "YQ==", "media": "m", "isMore": True}, {"base64": "Yg==", "media": "m", "isMore": False}])
        bench, host = self.play(lambda m: result(m, next(parts)))
        self.assertEqual(host.blobs.get("h"), (b"ab", "m"))
        self.assertEqual([m["params"]["arguments"]["offset"] for m in bench.sent], [0, 1])

    def test_refusals_and_failures_are_told_apart(self) -> None:
        data = {"code": "LM_POLICY_DENIED", "reason": "no", "retryable": False}
        _, denied = self.play(lambda m: [{"id": m["id"], "error": {"code": 4030, "message": "may not", "data": data}}])
        with self.assertRaises(HostError) as caught:
            denied.read_file("a")
        error = caught.exception
        self.assertEqual((error.code, error.status, error.is_retryable, str(error)), ("LM_POLICY_DENIED", 4030, False, "may not"))
        failure = {"code": "LM_FILE_NOT_FOUND", "message": "not there", "retryable": True}
        _, failed = self.play(lambda m: result(m, failure, isError=True))
        with self.assertRaises(HostError) as caught:
            failed.read_file("a")
        self.assertEqual((caught.exception.code, caught.exception.status, caught.exception.is_retryable), ("LM_FILE_NOT_FOUND", None, True))

    def test_what_is_not_json_never_leaves(self) -> None:
        bench, host = self.play(lambda m: result(m, {}))
        with self.assertRaisesRegex(TypeError, "store_put.value"):
            host.store.put("k", float("nan"))
        host.store.put("k", 2**60)
        self.assertEqual(bench.sent[0]["params"]["arguments"]["value"], str(2**60))

    def test_a_cancelled_call_stops_its_requests(self) -> None:
        cancel = threading.Event()
        bench, host = self.play(lambda m: [], cancel=cancel)
        threading.Timer(0.05, cancel.set).start()
        with self.assertRaises(Cancelled):
            host.read_file("a")
        self.assertEqual(bench.wait_for("notifications/cancelled")["params"], {"requestId": 1})

    def test_text_comes_bit_by_bit(self) -> None:
        def answer(m: dict[str, Any]) -> list[dict[str, Any]]:
            token = m["params"]["_meta"]["progressToken"]
            progress = [
                {"method": "notifications/progress", "params": {"progressToken": token, "progress": n, "message": text}}
                for n, text in ((2, "a "), (3, "b"))
            ]
            return [*progress, *result(m, {"text": "a b"})]

        _, host = self.play(answer)
        heard: list[str] = []
        self.assertEqual(host.llm.generate("p", on_text=heard.append), {"text": "a b"})
        self.assertEqual(heard, ["a ", "b"])

    def test_progress_of_another_plugin_is_heard(self) -> None:
        def answer(m: dict[str, Any]) -> list[dict[str, Any]]:
            told = {"progressToken": m["params"]["_meta"]["progressToken"], "progress": 1, "total": 2, "extra": 3}
            return [{"method": "notifications/progress", "params": told}, *result(m, {"content": [], "isError": False})]

        _, host = self.play(answer)
        heard: list[dict[str, Any]] = []
        host.call_plugin("org.example.other", "t", on_progress=heard.append)
        self.assertEqual(heard, [{"progress": 1, "total": 2}])

    def test_events_come_in_order_until_the_loop_ends(self) -> None:
        def answer(m: dict[str, Any]) -> list[dict[str, Any]]:
            if m["method"] != "events/listen":
                return []
            return [
                {"method": "notifications/events/event", "params": {"subscriptionId": m["id"], "event": {"id": str(n)}, "dropped": 0}}
                for n in range(3)
            ]

        bench, host = self.play(answer)
        seen = []
        events = host.listen("a.*")
        for entry in events:
            seen.append(entry["event"]["id"])
            if len(seen) == 3:
                break
        events.close()
        self.assertEqual(seen, ["0", "1", "2"])
        self.assertEqual(bench.wait_for("events/listen")["params"]["types"], ["a.*"])
        bench.wait_for("notifications/cancelled")

    def test_a_denied_subscription_says_why(self) -> None:
        _, host = self.play(lambda m: [{"id": m["id"], "error": {"code": 4030, "message": "no", "data": {}}}])
        with self.assertRaises(HostError):
            next(host.listen(["a"]))

    def test_a_workbench_that_goes_away_leaves_nobody_waiting(self) -> None:
        bench, host = self.play(lambda m: [])
        threading.Timer(0.05, bench.hang_up).start()
        with self.assertRaisesRegex(HostError, "closed the host plane"):
            host.read_file("a")

    def test_without_a_workbench_requests_say_so(self) -> None:
        os.environ.pop("LOGOMESH_HOST_FD", None)
        with self.assertRaises(HostError) as caught:
            Host(HostConnection(open_announced)).read_file("a")
        self.assertEqual(caught.exception.code, "HOST_CLOSED")


if __name__ == "__main__":
    unittest.main()
