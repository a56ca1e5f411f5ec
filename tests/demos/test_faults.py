"""demo_hooked: the demo programs in one, and --fault, which makes their system calls go wrong."""

import re
import shutil
import subprocess
import unittest

from demo import MODES, Server, exchange, parse, path, run

STRACE = shutil.which("strace")


def can_trace():
    """It is installed, and nobody forbids it."""
    return STRACE and subprocess.run([STRACE, "-qq", "-o", "/dev/null", "true"],
                                     capture_output=True).returncode == 0


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
            for program in ("echo_server", "upper_server"):
                with self.subTest(program=program, backend=backend, trigger=trigger), Server(
                        "demo_hooked", program, "--backend", backend, "--trigger", trigger,
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

    def test_a_plan_for_strace(self):
        status, out, _ = run("demo_hooked", "strace", "accept4@1=EMFILE;recv@3+2=ECONNRESET")
        self.assertEqual(status, 0)
        self.assertEqual(out, "--trace=accept4,recvfrom --inject=accept4:error=EMFILE:when=1 "
                              "--inject=recvfrom:error=ECONNRESET:when=3+2\n")
        status, out, said = run("demo_hooked", "strace", "recv@1=short:1")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("strace cannot cut a call short", said)

    @unittest.skipUnless(can_trace(), "nothing traces here")
    def test_strace_does_the_same_to_a_plain_program(self):
        words = run("demo_hooked", "strace", "accept4@1=ECONNABORTED;recv@1=ECONNRESET")[1].split()
        # -D: strace stands aside, and the signal goes to the server. LeakSanitizer cannot look into
        # a process that is traced.
        with Server(STRACE, "-D", "-o", "/dev/null", *words, path("echo_server"), "--stats",
                    env={"ASAN_OPTIONS": "detect_leaks=0"}) as server:
            with server.connect() as client:
                client.sendall(b"x")
                with self.assertRaises(ConnectionResetError):
                    client.recv(9)
            self.served(server)
            stats = parse(server.stop()[2])
            self.assertEqual((stats["accepted"], stats["closed.error"]), (2, 1))

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
