"""What the programs say to a user: help, mistakes, and a standard output that is gone."""

import os
import signal
import socket
import subprocess
import unittest

from demo import Modes, Server, path, read_exactly, run

STREAM_SERVERS = (
    "chat_server",
    "command_server",
    "coroutine_echo_server",
    "delay_server",
    "discard_server",
    "echo_server",
    "frame_server",
    "guess_who_server",
    "hello_server",
    "http_server",
    "line_server",
    "login_server",
    "port_forwarder",
    "print_server",
    "talk_server",
    "transfer_server",
    "upload_server",
    "upper_server",
)
# What stands on neither `Server` nor `SocketServer` has limits of its own.
WITHOUT_LIMITS = ("coroutine_echo_server", "port_forwarder")
SERVERS = (
    *STREAM_SERVERS,
    "broadcast_receiver",
    "udp_ack_server",
)
CLIENTS = (
    "broadcast_sender",
    "chat_client",
    "login_client",
    "many_clients",
    "reconnecting_client",
    "tcp_client",
    "transfer_client",
    "udp_client",
    "upload_client",
)
DATAGRAM_CLIENTS = ("broadcast_sender", "udp_client")
PROGRAMS = (
    *SERVERS,
    *CLIENTS,
)
# Without these a program does not start.
NEEDED = {
    "command_server": ["cat"],
    "login_server": ["--users", "/dev/null"],
    "port_forwarder": ["--to", "127.0.0.1:1"],
    "transfer_server": ["--dir", "/tmp"],
    "upload_client": [path("upload_client")],
    "upload_server": ["--dir", "/tmp"],
}


class Help(Modes):
    def test_it_lists_the_options_and_ends_with_0(self):
        common = ["--host", "--port", "--backend", "--trigger", "--help"]
        own = {
            "broadcast_receiver": ["--multicast", "--interface", "127.255.255.255"],
            "broadcast_sender": ["--multicast", "--interface", "127.255.255.255"],
            "chat_server": ["--format", "--member-limit"],
            "command_server": ["COMMAND"],
            "delay_server": ["--delay", "5000ms"],
            "echo_server": ["--greeting", "--prefix"],
            "frame_server": ["--limit", "1048576", "--timeout"],
            "guess_who_server": ["--seed"],
            "hello_server": ["--reply", "Hello World"],
            "http_server": [
                "--root", "--keep-alive-timeout", "--head-timeout", "--body-timeout", "--body-limit",
            ],
            "line_server": ["--limit", "65536", "--timeout"],
            "login_client": ["--user", "--password-stdin"],
            "login_server": [
                "--users", "--add-user", "--password-stdin", "--attempts", "--per", "--login-timeout",
            ],
            "many_clients": ["--connections", "--messages", "--size", "--timeout"],
            "port_forwarder": ["--to", "--connect-timeout", "--idle-timeout", "--drain"],
            "reconnecting_client": ["--first-delay", "--longest-delay"],
            "talk_server": ["--backlog"],
            "tcp_client": ["--bare"],
            "transfer_server": ["--dir", "--quota", "--total", "--fsync", "--timeout"],
            "udp_client": ["--wait"],
            "upload_client": ["--pause", "FILE"],
            "upload_server": ["--dir", "--quota", "--total", "--fsync", "--timeout"],
            "upper_server": ["--model", "--threads", "--udp"],
        }
        for program in (*PROGRAMS, "fanout_client"):
            status, out, err = run(program, "--help")
            self.assertEqual((status, err), (0, ""), program)
            if program in SERVERS:
                kind = ["--stats", "address: 127.0.0.1"]
                if program in STREAM_SERVERS and program not in WITHOUT_LIMITS:
                    kind += ["--max-connections", "--idle-timeout", "3600000ms"]
            elif program in DATAGRAM_CLIENTS:
                kind = ["host: a name"]
            else:
                kind = ["host: a name", "--connect-timeout", "10000ms"]
            for option in common + kind + own.get(program, []):
                self.assertIn(option, out, program)
            for word in ("select", "poll", "epoll", "level", "edge", "one-shot", "POLLUX_BACKEND"):
                self.assertIn(word, out, program)


class Mistakes(Modes):
    def check(self, options, *parts, env=None, programs=PROGRAMS):
        for program in programs:
            with self.subTest(program=program, options=options, env=env):
                status, out, err = run(program, *NEEDED.get(program, []), *options, env=env)
                self.assertEqual((status, out), (2, ""), err)
                self.assert_one_line(err, program + ": ", *parts)

    def test_unknown_option(self):
        self.check(["--frobnicate"], "--frobnicate")

    def test_stray_word(self):
        # The words of command_server are another program's.
        self.check(["7777"], "7777", programs=[p for p in PROGRAMS if p != "command_server"])

    def test_missing_value(self):
        self.check(["--port"], "--port")

    def test_port_out_of_range_or_no_number(self):
        for port in ("65536", "-1", "http"):
            self.check(["--port", port], "--port")

    def test_unknown_backend_names_those_there_are(self):
        self.check(["--backend", "kqueue"], "kqueue", "select", "poll", "epoll")

    def test_unknown_trigger_names_those_there_are(self):
        self.check(["--trigger", "hair"], "hair", "level", "edge", "one-shot")

    def test_unknown_backend_in_the_environment(self):
        self.check(["--port", "1"], "POLLUX_BACKEND", "kqueue", env={"POLLUX_BACKEND": "kqueue"})

    def test_a_pair_that_does_not_exist(self):
        for backend in ("select", "poll"):
            self.check(["--port", "1", "--backend", backend, "--trigger", "edge"], backend, "edge", "epoll")

    def test_no_sandbox_around_io_uring(self):
        status, out, err = run("echo_server", "--sandbox", "--backend", "io_uring")
        self.assertEqual((status, out), (2, ""))
        if "io_uring_setup" in err:
            self.skipTest(err)
        self.assert_one_line(err, "echo_server: --sandbox: not with io_uring")

    def test_bad_host(self):
        for host in ("", "unix:", "[::1", "::g", "a b", "127.1"):
            self.check(["--host", host, "--port", "1"], host)

    def test_a_server_takes_no_name(self):
        for host in ("localhost", "256.1.1.1"):
            self.check(["--host", host, "--port", "1"], host, programs=SERVERS)

    def test_busy_port(self):
        with socket.create_server(("127.0.0.1", 0)) as busy:
            port = str(busy.getsockname()[1])
            self.check(["--port", port], port, "in use", programs=STREAM_SERVERS)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
            busy.bind(("127.0.0.1", 0))
            port = str(busy.getsockname()[1])
            self.check(["--port", port], port, "in use", programs=["udp_ack_server"])

    def test_an_address_of_another_machine(self):
        self.check(["--host", "192.0.2.1"], "192.0.2.1", "Cannot assign", programs=SERVERS)

    def test_a_path_that_cannot_be(self):
        self.check(["--host", "unix:/nonexistent/socket"], "/nonexistent/socket", "No such file",
                   programs=SERVERS)

    def test_numbers_that_make_no_sense(self):
        for option in ("--connections", "--messages", "--size", "--timeout"):
            for value in ("0", "-1", "many"):
                self.check(["--port", "1", option, value], option, programs=["many_clients"])

    def test_a_directory_that_cannot_be(self):
        for program in ("transfer_server", "upload_server"):
            for directory, reason in (("", "directory"), ("/nonexistent", "No such file"),
                                      ("/dev/null", "Not a directory"), ("/proc", "/proc")):
                with self.subTest(program=program, directory=directory):
                    status, out, err = run(program, "--dir", directory)
                    self.assertEqual((status, out), (2, ""))
                    self.assert_one_line(err, program + ": ", reason)
            status, _, err = run(program)
            self.assertEqual(status, 2)
            self.assert_one_line(err, program + ": ", "--dir")

    def test_a_client_needs_a_port(self):
        self.check([], "--port", programs=CLIENTS)
        self.check(["word"], "--port", programs=["fanout_client"])

    def test_fanout_client_needs_words(self):
        self.check(["--port", "1"], "words", programs=["fanout_client"])


class StandardOutput(Modes):
    def serve(self, **streams):
        """Starts a server whose first line nobody reads; returns it and its port."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = subprocess.Popen([path("echo_server"), "--port", str(port)], **streams)
        while True:
            if server.poll() is not None:
                self.fail(f"ended with {server.returncode}")
            try:
                return server, socket.create_connection(("127.0.0.1", port), 20)
            except ConnectionRefusedError:
                pass

    def check(self, **streams):
        server, client = self.serve(**streams)
        try:
            client.sendall(b"hello")
            self.assertEqual(read_exactly(client, 5), b"hello")
            for fd in range(3):
                link = os.readlink(f"/proc/{server.pid}/fd/{fd}")
                self.assertFalse(link.startswith(("socket:", "anon_inode:")), link)
            client.close()
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(20), 0)
        finally:
            client.close()
            if server.poll() is None:
                server.kill()
                server.wait()

    def test_a_broken_pipe(self):
        reading, writing = os.pipe()
        os.close(reading)
        self.check(stdout=writing)
        os.close(writing)

    def test_closed(self):
        # Numbers 0 to 2 are free then, and must not become sockets that messages are written to.
        self.check(close_fds=True, preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])

    def test_full(self):
        with open("/dev/full", "w") as full:
            self.check(stdout=full)


if __name__ == "__main__":
    unittest.main()
