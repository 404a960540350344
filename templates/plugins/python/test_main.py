import unittest

from main import greet


class GreetTest(unittest.TestCase):
    def test_the_person_is_greeted_by_name(self) -> None:
        self.assertEqual(greet("Ada"), {"text": "Hello, Ada!"})
