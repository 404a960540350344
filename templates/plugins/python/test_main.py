import unittest

from logomesh.testing import call_tool

from main import plugin


class GreetTest(unittest.TestCase):
    def test_who_was_greeted_twice_is_greeted_a_third_time(self) -> None:
        answer = call_tool(
            plugin,
            "greet",
            {"name": "Ada"},
            # What the plugin asks of the workbench, and what it is answered. Anything else that it asks fails the test.
            host=[
                {"tool": "store_get", "arguments": {"key": "Ada"}, "result": {"value": 2}},
                {"tool": "store_put", "arguments": {"key": "Ada", "value": 3}},
            ],
        )
        self.assertEqual(answer["structuredContent"], {"text": "Hello, Ada!", "times": 3})

    def test_a_greeting_needs_a_name(self) -> None:
        self.assertTrue(call_tool(plugin, "greet")["isError"])
