import unittest

from comparison.contestants import Contestant
from comparison.refusal import ephemeral_ports, refusal
from comparison.workloads import Workload
from examples import BY_NAME

MANY = 10**9


class Refusals(unittest.TestCase):
    def reason(self, workload, name="epoll-level", limit=MANY):
        return refusal(workload, BY_NAME[name], limit)

    def test_select_goes_as_far_as_its_set(self):
        self.assertIsNone(self.reason(Workload("echo", 500), "select-level"))
        self.assertIn("1024", self.reason(Workload("echo", 5000), "select-level"))
        self.assertIn("1024", self.reason(Workload("echo", 500, idle=600), "select-level"))
        self.assertIsNone(self.reason(Workload("echo", 5000), "poll-level"))

    def test_descriptors(self):
        self.assertIn("4096", self.reason(Workload("echo", 5000), limit=4096))
        self.assertIn("needs 4116", self.reason(Workload("echo", 100, idle=4000), limit=4096))

    def test_ports_of_the_clients(self):
        self.assertIn("ip_local_port_range", self.reason(Workload("echo", ephemeral_ports() + 1)))

    def test_what_a_load_has_not(self):
        for workload in (Workload("upload", 1, depth=2), Workload("echo", 1, read_rate=5),
                         Workload("upload", 1, rate=100), Workload("churn", 5, depth=2)):
            with self.subTest(workload.name):
                self.assertTrue(self.reason(workload))

    def test_only_loads_of_messages_are_ramped_up(self):
        for load, refused in (("upload", True), ("download", False), ("churn", False)):
            workload = Workload(load, 1)
            found = refusal(workload, BY_NAME["epoll-level"], MANY, ramp=True)
            self.assertEqual(found is not None, refused)
            self.assertIsNone(self.reason(workload))

    def test_what_a_contestant_has_not(self):
        self.assertEqual(self.reason(Workload("upper", 1)), "does not serve upper")
        own = Contestant("mine", "own", ("./mine", "{port}"))
        self.assertEqual(refusal(Workload("echo", 1, loops=2), own, MANY), "takes no --loops")
        self.assertIsNone(refusal(Workload("echo", 1, depth=2), own, MANY))

    def test_shares(self):
        workload = Workload("echo", 5000, active=0.01, idle=10)
        self.assertEqual((workload.users, workload.held), (50, 4960))


if __name__ == "__main__":
    unittest.main()
