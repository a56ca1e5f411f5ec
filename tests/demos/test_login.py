"""login_server and login_client."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import tempfile
import termios
import unittest

from demo import PATIENCE, Modes, Server, drip, parse, path, read_all, read_exactly, reset

GREETING = "欢迎使用XX系统".encode()
RIGHT = "登陆成功".encode()
WRONG = "账号或密码错误".encode()
PASSWORD = "开门 sesame"


def add_user(users, name, password=PASSWORD, *options):
    done = subprocess.run([path("login_server"), "--users", users, "--add-user", name,
                           *(options or ["--password-stdin"])],
                          input=(password + "\n").encode(), capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr.decode()


def message(name, password, **more):
    return json.dumps({"username": name, "password": password}, **more).encode()


class Login(Modes):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.users = os.path.join(cls.folder.name, "users")
        for name in ("ada", "李雷"):
            assert add_user(cls.users, name) == (0, b"", "")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def serve(self, *options):
        return Server("login_server", "--users", self.users, "--stats", *options)

    def answer(self, server, *parts):
        """What follows the greeting when these parts are sent, each by itself."""
        with server.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.assertEqual(read_exactly(client, len(GREETING)), GREETING)
            for part in parts:
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def stats(self, server):
        status, out, err = server.stop()
        self.assertEqual((status, out), (0, ""))
        return parse(err)


class Serving(Login):
    def test_m3_bug_f9_right_and_wrong(self):
        for mode in self.modes():
            with self.serve(*mode) as server:
                for text, expected in (
                        (message("ada", PASSWORD), RIGHT),
                        (message("李雷", PASSWORD, ensure_ascii=False, indent=4), RIGHT),
                        (b" \r\n\t" + message("ada", PASSWORD) + b"what follows", RIGHT),
                        (message("ada", "wrong"), WRONG),
                        (message("nobody", PASSWORD), WRONG),
                        (message("", ""), WRONG)):
                    self.assertEqual(self.answer(server, text), expected, text)
                stats = self.stats(server)
                # As much was done for those who are not there as for those who are.
                self.assertEqual(stats["hashed"], 6)
                self.assertEqual((stats["logins.right"], stats["logins.wrong"]), (3, 3))

    def test_m3_byte_by_byte(self):
        text = message("李雷", PASSWORD, ensure_ascii=False)
        for mode in self.modes():
            with self.serve(*mode) as server:
                self.assertEqual(self.answer(server, *(bytes([byte]) for byte in text)), RIGHT)

    def test_the_answer_comes_to_one_who_keeps_its_side_open(self):
        with self.serve() as server, server.connect() as client:
            client.sendall(message("ada", PASSWORD))
            self.assertEqual(read_all(client), GREETING + RIGHT)

    def test_m3_bug_f9_a_password_is_all_of_it(self):
        with self.serve() as server:
            for password in (PASSWORD + "\0", PASSWORD + "\0junk", PASSWORD + "x" * 600, "\0",
                             PASSWORD[:-1], PASSWORD.upper()):
                self.assertEqual(self.answer(server, message("ada", password)), WRONG)
            self.assertEqual(self.answer(server, message("ada\0", PASSWORD)), WRONG)
            self.assertEqual(self.stats(server)["hashed"], 7)

    def test_m3_a_login_seen_can_be_used_again(self):
        with self.serve() as server:
            for _ in range(2):  # replay: the protocol has no protection, and its documentation says so
                self.assertEqual(self.answer(server, message("ada", PASSWORD)), RIGHT)

    def test_m3_bug_f2_what_is_no_login(self):
        reasons = {
            "malformed": [b"hello", b"[1]", b'"ada"', b"\0", b"\xff", b"{}", b"{]", b"{\0}", b'{"a":}',
                          b'{"username":"ada"}', b'{"username":1,"password":2}',
                          b'{"username":["ada"],"password":{}}', b'{"username":"\xff","password":""}',
                          b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", b"x" * 100_000],
            "too-long": [b" " * 5000, b'{"username":"' + b"x" * 5000, b'{"a":' + b"[" * 5000,
                         b'{"a":' * 2000],
            "unfinished": [b"", b"  ", b"{", b'{"username":"ada","password":"', b'{"a":"\\"}'],
        }
        for mode in self.modes():
            with self.serve(*mode) as server:
                for texts in reasons.values():
                    for text in texts:
                        self.assertEqual(self.answer(server, text), b"", text[:50])
                        self.assertEqual(self.answer(server, text[:7], text[7:4200]), b"")
                self.assertEqual(self.answer(server, message("ada", PASSWORD)), RIGHT)
                stats = self.stats(server)
                for reason, texts in reasons.items():
                    self.assertEqual(stats[f"rejected.{reason}"], 2 * len(texts), reason)
                self.assertEqual(stats["hashed"], 1)

    def test_m3_an_address_is_wrong_too_often(self):
        for mode in self.modes():
            with self.serve(*mode, "--attempts", "3", "--per", "1h") as server:
                for _ in range(5):  # who is right may come as often as she likes
                    self.assertEqual(self.answer(server, message("ada", PASSWORD)), RIGHT)
                for _ in range(3):
                    self.assertEqual(self.answer(server, message("ada", "guess")), WRONG)
                for _ in range(20):
                    self.assertEqual(self.answer(server, message("ada", PASSWORD)), b"")
                # Another address is another matter.
                with socket.create_connection(("127.0.0.1", server.port), PATIENCE,
                                              ("127.0.0.2", 0)) as other:
                    other.sendall(message("ada", PASSWORD))
                    self.assertEqual(read_all(other), GREETING + RIGHT)
                stats = self.stats(server)
                self.assertEqual(stats["rejected.too-many-attempts"], 20)
                self.assertEqual(stats["hashed"], 9)

    def test_m3_bug_f2_a_flood_at_once(self):
        for mode in self.modes():
            with self.serve(*mode, "--attempts", "4", "--per", "1h") as server:
                clients = [server.connect() for _ in range(60)]
                for client in clients:
                    client.sendall(message("ada", "guess"))
                answers = [read_all(client) for client in clients]
                for client in clients:
                    client.close()
                self.assertEqual(sorted(answers), [GREETING] * 56 + [GREETING + WRONG] * 4)
                self.assertEqual(self.stats(server)["hashed"], 4)

    def test_it_ends_while_a_password_is_checked(self):
        for mode in self.modes():
            with self.serve(*mode) as server, server.connect() as client:
                self.assertEqual(read_exactly(client, len(GREETING)), GREETING)
                client.sendall(message("ada", PASSWORD))
                server.process.send_signal(signal.SIGTERM)
                self.assertIn(read_all(client), (b"", RIGHT))
                client.close()
                self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_m3_bug_f5_nobody_is_waited_for_longer_than_the_limit(self):
        for mode in self.modes():
            with self.serve(*mode, "--login-timeout", "50ms") as server:
                with server.connect() as client:
                    client.sendall(b'{"username":')
                    try:  # It is not idle, and is closed all the same.
                        while not select.select([client], [], [], 0.005)[0] or client.recv(100):
                            client.send(b" ")
                    except ConnectionError:
                        pass  # there was something left to read
                self.assertEqual(self.stats(server)["closed.deadline"], 1)

    def test_m8_slow_ones_are_cut_and_do_not_hinder_others(self):
        with self.serve("--login-timeout", "3s") as server:
            slow = [server.connect() for _ in range(200)]
            for client in slow:
                self.assertEqual(read_exactly(client, len(GREETING)), GREETING)
                client.sendall(b'{"username":"')
            drip(slow, lambda: self.assertEqual(self.answer(server, message("ada", PASSWORD)), RIGHT))
            for client in slow:
                client.close()
            self.assertEqual(self.stats(server)["closed.deadline"], 200)

    def test_m7_m9_comers_and_goers_leave_nothing(self):
        for mode in self.modes():
            with self.serve(*mode) as server:
                self.answer(server)
                before = server.descriptors()
                for _ in range(200):
                    reset(server.connect())
                for _ in range(200):
                    self.assertEqual(self.answer(server), b"")
                self.assertLessEqual(server.descriptors(), before + 1)


class Users(Login):
    def test_the_file(self):
        with open(self.users) as file:
            lines = file.readlines()
        self.assertEqual(os.stat(self.users).st_mode & 0o777, 0o600)
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"^ada:\$y\$[./0-9A-Za-z$]{50,}\n$")
        self.assertRegex(lines[1], r"^李雷:\$y\$")
        self.assertNotEqual(lines[0].split(":")[1], lines[1].split(":")[1])  # salted
        self.assertEqual(os.listdir(self.folder.name), ["users"])

    def test_one_added_meanwhile_counts_at_once(self):
        users = os.path.join(self.folder.name, "meanwhile")
        add_user(users, "first")
        with Server("login_server", "--users", users) as server:
            self.assertEqual(self.answer(server, message("second", PASSWORD)), WRONG)
            self.assertEqual(add_user(users, "second")[0], 0)
            self.assertEqual(self.answer(server, message("second", PASSWORD)), RIGHT)
        os.unlink(users)

    def test_many_added_at_once_are_all_there(self):
        users = os.path.join(self.folder.name, "many")
        adding = [subprocess.Popen([path("login_server"), "--users", users, "--add-user", f"user{i}",
                                    "--password-stdin"], stdin=subprocess.PIPE) for i in range(8)]
        for process in adding:
            process.communicate(b"secret")
            self.assertEqual(process.returncode, 0)
        with open(users) as file:
            names = sorted(line.split(":")[0] for line in file)
        self.assertEqual(names, [f"user{i}" for i in range(8)])
        os.unlink(users)

    def test_who_cannot_be_added(self):
        with open(self.users) as file:
            before = file.read()
        for name, password, *parts in (
                ("ada", "other", "ada", "already"), ("a:b", "x", "user name"), ("a\nb", "x", "user name"),
                ("x" * 65, "x", "user name"), ("new", "", "password"), ("new", "a\0b", "password"),
                ("new", "x" * 512, "password")):
            status, out, err = add_user(self.users, name, password)
            self.assertEqual((status, out), (2, b""), name)
            self.assert_one_line(err, "login_server: ", *parts)
        status, _, err = add_user(self.users, "new", "x", "--port", "0")
        self.assertEqual(status, 2)
        self.assert_one_line(err, "--password-stdin")
        with open(self.users) as file:
            self.assertEqual(file.read(), before)

    def test_a_file_that_cannot_be_used_is_named(self):
        broken = os.path.join(self.folder.name, "broken")
        with open(broken, "w") as file:
            file.write("ada:no hash\n")
        for users, part in (("/nonexistent/users", "No such file"), (self.folder.name, "directory"),
                            (broken, "line 1")):
            for more in ([], ["--add-user", "new", "--password-stdin"]):
                done = subprocess.run([path("login_server"), "--users", users, *more], input="x\n",
                                      capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assert_one_line(done.stderr, "login_server: ", users, part)
        os.unlink(broken)

    def test_a_file_that_goes_away(self):
        users = os.path.join(self.folder.name, "away")
        add_user(users, "ada")
        with Server("login_server", "--users", users, "--stats") as server:
            os.unlink(users)
            self.assertEqual(self.answer(server, message("ada", PASSWORD)), b"")
            self.assertEqual(self.stats(server)["rejected.users-file"], 1)


class Terminal:
    """A program on a terminal of its own, and what appears there."""

    def __init__(self, *command):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        # Ours too, or it were gone with the program and could not be looked at.
        self.theirs = theirs
        self.shown = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def wait_for(self, text):
        while text not in self.shown:
            if not select.select([self.ours], [], [], PATIENCE)[0]:
                raise AssertionError(f"{text!r} does not appear: {self.shown!r}")
            self.shown += os.read(self.ours, 1000)

    def type(self, text):
        os.write(self.ours, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)


class Client(Login):
    def run_with(self, server, password, *options):
        done = subprocess.run([path("login_client"), "--port", str(server.port), *options],
                              input=password.encode(), capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr.decode()

    def test_from_a_pipe(self):
        options = ["--user", "李雷", "--password-stdin"]
        for mode in self.modes():
            with self.serve() as server:
                self.assertEqual(self.run_with(server, PASSWORD, *mode, *options),
                                 (0, GREETING + b"\n" + RIGHT + b"\n", ""))
                self.assertEqual(self.run_with(server, PASSWORD + "\n", *mode, *options),
                                 (0, GREETING + b"\n" + RIGHT + b"\n", ""))
                self.assertEqual(self.run_with(server, "wrong\n", *mode, *options),
                                 (1, GREETING + b"\n" + WRONG + b"\n", ""))

    def test_its_mistakes(self):
        with self.serve() as server:
            for options, password, status, *parts in (
                    (["--user", "x"], "p", 2, "--password-stdin"),
                    (["--password-stdin"], "p", 2, "--user"),
                    ([], "p", 2, "terminal"),
                    (["--user", "x", "--password-stdin"], "", 1, "ended"),
                    (["--user", b"\xff", "--password-stdin"], "p", 2, "UTF-8")):
                result, _, err = self.run_with(server, password, *options)
                self.assertEqual(result, status, options)
                self.assert_one_line(err, "login_client: ", *parts)
        result, out, err = self.run_with(server, "p", "--user", "x", "--password-stdin")
        self.assertEqual((result, out), (1, b""))
        self.assert_one_line(err, str(server.port), "refused")

    def test_what_it_says_and_shows_however_the_server_cuts(self):
        for answer, status in ((RIGHT, 0), (WRONG, 1), (b"\x1b[2J", 1), (b"", 1)):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(PATIENCE)
                process = subprocess.Popen(
                    [path("login_client"), "--port", str(listener.getsockname()[1]), "--user", 'a"b',
                     "--password-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
                process.stdin.write(b'p"\\w\n')
                process.stdin.flush()
                server, _ = listener.accept()
            server.settimeout(PATIENCE)
            with server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in GREETING:
                    server.sendall(bytes([byte]))
                text = b""
                while b"}" not in text:
                    text += server.recv(1)
                self.assertEqual(json.loads(text), {"username": 'a"b', "password": 'p"\\w'})
                for byte in answer:
                    server.sendall(bytes([byte]))
            out, err = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, status)
            shown = answer.replace(b"\x1b", b"\\x1b")
            self.assertEqual(out, GREETING + b"\n" + shown + b"\n")
            self.assertEqual(b"no answer" in err, answer == b"")

    def test_on_a_terminal_the_password_is_not_shown(self):
        for mode in self.modes():
            with self.serve() as server, \
                    Terminal(path("login_client"), *mode, "--port", str(server.port)) as terminal:
                terminal.wait_for(GREETING + b"\r\nuser name: ")
                self.assertTrue(terminal.echoes())
                terminal.type(b"\nada\n")
                terminal.wait_for(b"password: ")
                self.assertFalse(terminal.echoes())
                terminal.type(PASSWORD.encode() + b"\n")
                terminal.wait_for(RIGHT)
                self.assertEqual(terminal.process.wait(PATIENCE), 0)
                self.assertTrue(terminal.echoes())
                self.assertIn(b"ada", terminal.shown)
                self.assertNotIn(b"sesame", terminal.shown)
                self.assertNotIn("开".encode(), terminal.shown)

    def at_the_password(self, server):
        terminal = Terminal(path("login_client"), "--port", str(server.port))
        terminal.wait_for(b"user name: ")
        terminal.type(b"ada\n")
        terminal.wait_for(b"password: ")
        self.assertFalse(terminal.echoes())
        return terminal

    def test_the_terminal_is_restored_on_every_way_out(self):
        with self.serve() as server:
            for key, signum in ((b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT),
                                (None, signal.SIGTERM), (None, signal.SIGHUP)):
                with self.at_the_password(server) as terminal:
                    if key:
                        terminal.type(b"half a pass" + key)
                    else:
                        terminal.process.send_signal(signum)
                    self.assertEqual(terminal.process.wait(PATIENCE), -signum)
                    self.assertTrue(terminal.echoes())
            with self.at_the_password(server) as terminal:
                terminal.type(b"\x04")  # Ctrl-D
                self.assertEqual(terminal.process.wait(PATIENCE), 1)
                self.assertTrue(terminal.echoes())
        with self.serve() as server, self.at_the_password(server) as terminal:
            server.process.send_signal(signal.SIGTERM)  # the server closes
            self.assertEqual(terminal.process.wait(PATIENCE), 1)
            self.assertTrue(terminal.echoes())

    def test_stopped_and_continued(self):
        with self.serve() as server, self.at_the_password(server) as terminal:
            terminal.process.send_signal(signal.SIGTSTP)
            self.assertTrue(os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1]))
            self.assertTrue(terminal.echoes())
            terminal.shown = b""
            terminal.process.send_signal(signal.SIGCONT)
            terminal.wait_for(b"password: ")
            self.assertFalse(terminal.echoes())
            terminal.type(PASSWORD.encode() + b"\n")
            terminal.wait_for(RIGHT)
            self.assertEqual(terminal.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
