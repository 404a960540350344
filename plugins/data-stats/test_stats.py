import unittest

from logomesh import ToolError
from logomesh.testing import call_tool

import stats
from main import plugin


class StatsTest(unittest.TestCase):
    def test_numbers_are_described(self) -> None:
        described = stats.describe([1, 2, 3, 4])
        self.assertEqual((described["count"], described["sum"], described["median"]), (4, 10, 2.5))
        self.assertEqual((described["lower_quartile"], described["upper_quartile"]), (1.75, 3.25))
        self.assertAlmostEqual(described["standard_deviation"], 1.2909944487)

    def test_no_numbers_have_no_histogram_and_a_description_of_zeros(self) -> None:
        self.assertEqual(stats.histogram([], 3), [])
        self.assertEqual(set(stats.describe([]).values()), {0})

    def test_every_number_is_in_one_bin(self) -> None:
        bins = stats.histogram([0, 1, 2, 10], 2)
        self.assertEqual([(each["start"], each["end"], each["count"]) for each in bins], [(0, 5, 3), (5, 10, 1)])
        self.assertEqual(stats.histogram([7, 7], 5), [{"start": 7, "end": 7, "count": 2}])

    def test_a_straight_line_is_found(self) -> None:
        trend = stats.linear_trend([1, 3, 5])
        self.assertAlmostEqual(trend["slope"], 2)
        self.assertAlmostEqual(trend["intercept"], 1)
        self.assertAlmostEqual(trend["r_squared"], 1)

    def test_what_has_no_answer_says_why(self) -> None:
        for values, x, why in [([1], None, "at least two"), ([1, 2], [3, 3], "all x"), ([1, 2], [1], "as many of each")]:
            with self.assertRaisesRegex(ToolError, why):
                stats.linear_trend(values, x)
        with self.assertRaisesRegex(ToolError, "too large"):
            stats.describe([1.7e308, 1.7e308, -1.7e308])


def counted(text: str, words: int) -> dict:
    """What text-tools is asked about a text, and what it answers."""
    return {
        "tool": "plugin_call",
        "arguments": {"plugin": "org.logomesh.text-tools", "tool": "word_count", "arguments": {"text": text}},
        "result": {"structuredContent": {"words": words}},
    }


class DescribeTextsTest(unittest.TestCase):
    def test_texts_are_described_by_the_words_that_another_plugin_counts(self) -> None:
        texts = {"texts": ["one two", "one two three four"]}
        answer = call_tool(plugin, "describe_texts", texts, host=[counted("one two", 2), counted(texts["texts"][1], 4)])
        described = answer["structuredContent"]
        self.assertEqual((described["count"], described["mean"], described["max"]), (2, 3, 4))

    def test_a_plugin_that_cannot_count_and_one_that_may_not_be_called_end_the_call(self) -> None:
        failed = {"content": [{"type": "text", "text": "too long"}], "isError": True}
        denied = {"code": "LM_POLICY_DENIED", "message": "Not granted."}
        for outcome, why in [({"result": failed}, "too long"), ({"error": denied}, "Not granted.")]:
            answer = call_tool(plugin, "describe_texts", {"texts": ["a"]}, host=[{"tool": "plugin_call", **outcome}])
            self.assertTrue(answer["isError"])
            self.assertIn(why, answer["content"][0]["text"])
