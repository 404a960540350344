import unittest

from logomesh import ToolError

import stats


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
