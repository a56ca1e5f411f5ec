"""command_server: a program for each client."""

import os
import random
import unittest

from demo import Modes, Server, exchange, read_all, read_exactly, reset, run, wait_for


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def ask(server, data):
    with server.connect() as client:
        return exchange(client, data)


class CommandServer(Modes):
    def served_by(self, *command):
        for mode in self.modes():
            with Server("command_server", *mode, "--stats", "--", *command) as server:
                yield server

    def test_input_and_output_of_the_program(self):
        for server in self.served_by("tr", "a-z", "A-Z"):
            self.assertEqual(ask(server, b"some words\n"), b"SOME WORDS\n")

    def test_much_goes_both_ways(self):
        data = random.Random(1).randbytes(3_000_000)
        for server in self.served_by("cat"):
            self.assertEqual(ask(server, data), data)

    def test_each_client_has_its_own_which_ends_with_it(self):
        for server in self.served_by("sh", "-c", "echo $$; exec cat"):
            clients = [server.connect() for _ in range(20)]
            files = [client.makefile("rb") for client in clients]
            pids = [int(file.readline()) for file in files]
            self.assertEqual(len(set(pids)), 20)
            for number, (client, file) in enumerate(zip(clients, files)):
                client.sendall(b"%d\n" % number)
                self.assertEqual(file.readline(), b"%d\n" % number)
                file.close()
                if number % 2:
                    reset(client)
                else:
                    client.close()
            wait_for(lambda: all(map(is_gone, pids)))
            with server.connect() as last:
                pid = int(last.makefile("rb").readline())
                status, _, err = server.stop()
                self.assertEqual(status, 0, err)
                self.assertTrue(is_gone(pid))

    def test_the_end_of_the_program_is_the_end_of_the_connection(self):
        for server in self.served_by("sh", "-c", "echo first; exec 1>&-; read line; exit 1"):
            with server.connect() as client:
                self.assertEqual(read_exactly(client, 6), b"first\n")
                client.sendall(b"end\n" + b"more\n" * 1000)  # nobody reads that
                self.assertEqual(read_all(client), b"")

    def test_a_client_that_does_not_read_holds_up_its_program_alone(self):
        for server in self.served_by("sh", "-c", "read what; exec $what"):
            with server.connect() as lazy:
                lazy.sendall(b"yes\n")
                read_exactly(lazy, 1_000_000)
                self.assertEqual(ask(server, b"echo other\n"), b"other\n")
                read_exactly(lazy, 10_000_000)  # it goes on

    def test_a_program_that_cannot_be_started(self):
        for server in self.served_by("/no/such/program"):
            with server.connect() as client:
                self.assertEqual(read_all(client), b"")
            status, _, err = server.stop()
            self.assertEqual(status, 0)
            self.assertIn("posix_spawn /no/such/program: No such file or directory\n", err)
            self.assertIn(" rejected.start=1", err)

    def test_it_has_no_sandbox(self):
        status, out, err = run("command_server", "--sandbox", "cat")
        self.assertEqual((status, out), (2, ""))
        self.assert_one_line(err, "command_server: --sandbox: the programs that it runs")


if __name__ == "__main__":
    unittest.main()
