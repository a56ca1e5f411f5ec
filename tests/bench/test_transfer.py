import unittest

from comparison.transfer import OURS, SOCAT, sentences

MIB = 1 << 20


def sample(ours, theirs):
    """CPU and wall-clock seconds alike."""
    seconds = {OURS: ours, **dict.fromkeys(SOCAT, theirs)}
    return {name: {"seconds": value, "cpu": value} for name, value in seconds.items()}


class Sentences(unittest.TestCase):
    def sentence(self, pairs):
        return sentences(1024 * MIB, [sample(*pair) for pair in pairs])[0]

    def test_rate_and_ratios_of_the_same_round(self):
        text = self.sentence([(1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (1.0, 2.0), (1.0, 2.0)])
        self.assertIn("One upload of 1,024 MiB: transfer_server takes 1,024 (256–1,024) MiB/s.", text)
        for other in SOCAT:
            self.assertIn(f"Against {other}: 0.50 (0.50–0.50) of the CPU time", text)
        self.assertNotIn("no difference", text)
        self.assertNotIn("indication", text)

    def test_no_difference_when_the_range_contains_one(self):
        text = self.sentence([(1.0, 2.0), (2.0, 1.0)] * 3)
        self.assertIn("no difference can be told", text)

    def test_few_rounds_are_called_few(self):
        self.assertIn("3 rounds are an indication", self.sentence([(1.0, 2.0)] * 3))


if __name__ == "__main__":
    unittest.main()
