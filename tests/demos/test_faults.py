"""demo_hooked: the demo programs in one, and --fault, which makes their system calls go wrong."""

import re
import unittest

from demo import MODES, Server, exchange, parse, run


class FaultTest(unittest.TestCase):
    def served(self, server):
        with server.connect() as client:
            self.assertEqual(exchange(client, b"12345"), b"12345")

    def test_a_client_that_cannot_be_accepted_is_accepted_later(self):
        for backend, trigger in MODES:
            with self.subTest(backend=backend, trigger=trigger), Server(
                    "demo_hooked", "echo_server", "--backend", backend, "--trigger", trigger,
                    "--stats", "--fault", "accept4@2=ECONNABORTED;recv@3=ECONNRESET") as server:
                self.served(server)
                with server.connect() as client:
                    client.sendall(b"x")
                    try:
                        self.assertIn(client.recv(9), (b"", b"x"))
                    except ConnectionResetError:
                        pass
                self.served(server)
                status, _, said = server.stop()
                self.assertEqual(status, 0)
                stats, injected = said.splitlines()
                self.assertEqual(parse(stats)["faults"], 2)
                self.assertEqual(parse(stats)["closed.error"], 1)
                self.assertEqual(injected,
                                 "injected 2 faults: accept4@2=ECONNABORTED;recv@3=ECONNRESET")

    def test_a_wait_that_lacks_memory_does_not_end_the_server(self):
        for backend, trigger in MODES:
            if backend == "epoll":
                continue  # epoll_wait(2) needs none
            with self.subTest(backend=backend, trigger=trigger), Server(
                    "demo_hooked", "echo_server", "--backend", backend, "--trigger", trigger,
                    "--fault", "wait@2-5=ENOMEM") as server:
                self.served(server)
                self.served(server)
                status, _, said = server.stop()
                self.assertEqual((status, said.count("ENOMEM")), (0, 4), said)

    def test_what_was_drawn_can_be_pasted_back(self):
        def injected(plan):
            with Server("demo_hooked", "echo_server", "--fault", plan) as server:
                for _ in range(10):
                    self.served(server)
                return re.fullmatch(r"injected (\d+) faults?: (.*)\n", server.stop()[2]).groups()

        count, plan = injected("seed=3;recv@30%=short:1;wait@10%=EINTR")
        self.assertGreater(int(count), 0)
        self.assertEqual(plan.count("@"), int(count))

    def test_memory_is_refused_before_it_serves(self):
        status, _, said = run("demo_hooked", "echo_server", "--fault", "new@1=ENOMEM")
        self.assertEqual(status, 2)
        self.assertIn("bad_alloc", said)

    def test_a_plan_that_is_wrong(self):
        status, out, said = run("demo_hooked", "echo_server", "--fault", "accept@3=EMFILE")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("there is no call 'accept'", said)

    def test_other_programs_say_who_can(self):
        for program in ("echo_server", "line_server", "udp_ack_server"):
            status, out, said = run(program, "--fault", "accept4@3=EMFILE")
            self.assertEqual((status, out), (2, ""))
            self.assertIn(f"demo_hooked {program} --fault PLAN", said)

    def test_it_names_its_programs(self):
        for words in ([], ["no_server"], ["--help"]):
            status, _, said = run("demo_hooked", *words)
            self.assertEqual(status, 2)
            self.assertIn(" chat_server ", said)


if __name__ == "__main__":
    unittest.main()
