"""http_server as its users see it: http.client, curl, wrk."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import unittest
import urllib.parse
import zlib

from demo import PATIENCE, Server, parse, run, wait_for
from http_case import BIG, EDGE, GET, Case, read_response
from inbox import injected, send_to_the_end


class Dialogue(Case):
    def test_pages_form_upload_and_files_over_one_connection(self):
        for mode in self.modes():
            with self.serve(mode) as server:
                client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)

                def ask(method, path, body=None, headers={}):
                    client.request(method, path, body, headers)
                    answer = client.getresponse()
                    return answer.status, answer, answer.read()

                client.connect()
                socket_of_it = client.sock
                status, answer, body = ask("GET", "/")
                self.assertEqual((status, answer.getheader("Content-Type")), (200, "text/html; charset=utf-8"))
                self.assertIn(b"<h1>A small web application</h1>", body)
                self.assertIn("default-src 'none'", answer.getheader("Content-Security-Policy"))
                self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
                status, answer, body = ask("HEAD", "/")
                self.assertEqual((status, body), (200, b""))
                self.assertGreater(int(answer.getheader("Content-Length")), 1000)
                self.assertEqual(ask("GET", "/plain")[2], b"Hello, World!\n")
                status, answer, body = ask("POST", "/guestbook", "name=J%C3%B6rg&remark=%3Cb%3E+%22hi%22%0D%0Athere",
                                           {"Content-Type": "application/x-www-form-urlencoded"})
                self.assertEqual((status, answer.getheader("Location")), (303, "/guestbook"))
                body = ask("GET", "/guestbook")[2].decode()
                self.assertIn("<b>Jörg</b></p><blockquote>&lt;b&gt; &quot;hi&quot;\nthere</blockquote>", body)
                for size in (0, 1, 3_000_000):
                    self.assertEqual(ask("PUT", "/upload/x", BIG[:size])[2].decode(),
                                     f"{size} bytes, crc32 {zlib.crc32(BIG[:size]):08x}, not kept\n")
                pieces = iter([b"a" * 10, b"b" * 100_000, b"c"])  # sent as chunks
                self.assertEqual(ask("POST", "/upload", pieces)[2].split()[0], b"100011")
                self.assertEqual(ask("GET", "/files/big.bin")[2], BIG)
                self.assertEqual(ask("GET", "/files/a.txt")[2], b"0123456789")
                self.assertEqual(ask("GET", "/nowhere")[0], 404)
                stats = json.loads(ask("GET", "/stats.json")[2])
                self.assertEqual((stats["accepted"], stats["requests"], stats["client_errors"]), (1, 13, 1))
                self.assertEqual([stats["backend"], stats["trigger"]], [mode[1], mode[3]])
                self.assertIs(client.sock, socket_of_it)
                client.close()

    def test_m5_options_and_methods_that_are_not_allowed(self):
        with self.serve(EDGE) as server:
            for path, allow in {"/": "GET, HEAD, OPTIONS", "/guestbook": "GET, HEAD, POST, OPTIONS",
                                "/upload": "GET, HEAD, POST, PUT, OPTIONS", "/files/a.txt": "GET, HEAD, OPTIONS",
                                "*": "GET, HEAD, OPTIONS"}.items():
                status, fields, body = self.ask(server, "OPTIONS", path)
                self.assertEqual((status, fields["allow"], body), (204, allow, b""))
            for method, path in (("DELETE", "/"), ("PATCH", "/upload"), ("TRACE", "/"), ("get", "/"),
                                 ("POST", "/"), ("PUT", "/guestbook"), ("POST", "/files/a.txt"),
                                 ("CONNECT", "example.org:443"), ("BREW", "/")):
                status, fields, _ = self.ask(server, method, path)
                self.assertEqual((status, "GET, HEAD" in fields["allow"]), (405, True), method)

    def test_what_the_form_and_the_upload_refuse(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        with self.serve(EDGE) as server:
            for body, headers, status in (("name=a&remark=b", {"Content-Type": "text/plain"}, 415),
                                          ("name=%zz&remark=b", form, 400), ("name=%2", form, 400),
                                          ("name=a", form, 422), ("", form, 422),
                                          ("name=%ff&remark=b", form, 422),
                                          ("name=a&remark=" + "b" * 2001, form, 422)):
                self.assertEqual(self.ask(server, "POST", "/guestbook", body, headers)[0], status, body[:20])
            for kind in ("multipart/form-data; boundary=X", "multipart/form-data", "multipart/mixed; boundary=X"):
                self.assertEqual(self.ask(server, "POST", "/upload", "--Y--", {"Content-Type": kind})[0], 400)

    def test_1_0_and_close(self):
        with self.serve(EDGE) as server:
            for request, kept in ((b"GET /plain HTTP/1.0\r\n\r\n", False),
                                  (b"GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
                                  (b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", False)):
                answers = self.say(server, request * 3)
                self.assertEqual(answers.count(b"Hello"), 3 if kept else 1, request)
                self.assertEqual(b"Connection: close\r\n" in answers, not kept)

    def test_m5_an_expectation_is_met(self):
        with self.serve(EDGE) as server, server.connect() as client, client.makefile("rb") as stream:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(read_response(stream)[0], 100)
            client.sendall(b"abc")
            self.assertEqual(read_response(stream)[2][:8], b"3 bytes,")
            # Where the body is not wanted it is not asked for.
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            status, fields, _ = read_response(stream)
            self.assertEqual((status, fields["connection"]), (405, "close"))
            self.assertEqual(stream.read(), b"")


class Files(Case):
    def test_m5_whole_files_and_parts(self):
        for mode in self.modes():
            with self.serve(mode) as server:
                for name, content in (("a.txt", b"0123456789"), ("in", b"0123456789"), ("empty", b""),
                                      ("big.bin", BIG), ("sub/%3Cb%3E&'%22%c3%a4.html", b"<p>"),
                                      ("sub/with%20index/", b"<h1>index")):
                    status, fields, body = self.ask(server, "GET", "/files/" + name)
                    self.assertEqual((status, body == content), (200, True), name)
                    self.assertIn("etag", fields)
                    status, fields, body = self.ask(server, "HEAD", "/files/" + name)
                    self.assertEqual((status, int(fields["content-length"]), body), (200, len(content), b""))
                for asked, status, body in (("bytes=2-4", 206, b"234"), ("bytes=7-", 206, b"789"),
                                            ("bytes=-2", 206, b"89"), ("bytes=0-1,3-4", 200, b"0123456789"),
                                            ("bytes=10-", 416, None)):
                    got = self.ask(server, "GET", "/files/a.txt", headers={"Range": asked})
                    self.assertEqual(got[0], status, asked)
                    if body is None:
                        self.assertEqual(got[1]["content-range"], "bytes */10")
                    else:
                        self.assertEqual(got[2], body)
                self.assertTrue(self.say(server, b"GET /files/big.bin HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n" + BIG))
                got = self.ask(server, "GET", "/files/big.bin", headers={"Range": "bytes=1000-1999999"})
                self.assertEqual((got[0], got[2] == BIG[1000:2_000_000]), (206, True))
                self.assertEqual(got[1]["content-range"], f"bytes 1000-1999999/{len(BIG)}")

    def test_a_file_larger_than_what_may_wait(self):
        with open(os.path.join(self.root, "large"), "wb") as file:
            file.truncate(100_000_000)
        for mode in self.modes():
            with self.serve(mode) as server:
                status, _, body = self.ask(server, "GET", "/files/large")
                self.assertEqual((status, len(body)), (200, 100_000_000))

    def test_what_has_not_changed(self):
        with self.serve(EDGE) as server:
            def ask(**headers):
                fields = {name.replace("_", "-"): value for name, value in headers.items()}
                return self.ask(server, "GET", "/files/a.txt", headers=fields)[::2]

            fields = self.ask(server, "GET", "/files/a.txt")[1]
            tag, modified = fields["etag"], fields["last-modified"]
            whole, unchanged, part = (200, b"0123456789"), (304, b""), (206, b"012")
            old = "Sun, 06 Nov 1994 08:49:37 GMT"
            for headers, expected in (
                    ({"If_None_Match": tag}, unchanged), ({"If_None_Match": "*"}, unchanged),
                    ({"If_None_Match": f'"x", W/{tag}'}, unchanged), ({"If_None_Match": '"x"'}, whole),
                    ({"If_Modified_Since": modified}, unchanged), ({"If_Modified_Since": old}, whole),
                    ({"If_Modified_Since": "yesterday"}, whole),
                    ({"If_None_Match": '"x"', "If_Modified_Since": modified}, whole),
                    ({"Range": "bytes=0-2", "If_Range": tag}, part),
                    ({"Range": "bytes=0-2", "If_Range": modified}, part),
                    ({"Range": "bytes=0-2", "If_Range": '"x"'}, whole)):
                self.assertEqual(ask(**headers), expected, headers)

    def test_a_directory(self):
        with self.serve(EDGE) as server:
            page = self.ask(server, "GET", "/files/")[2].decode()
            for name in ('"a.txt"', '"big.bin"', '"sub/"', '"empty"'):
                self.assertIn(f"<a href={name}>", page)
            self.assertNotIn("hidden", page)
            page = self.ask(server, "GET", "/files/sub/")[2].decode()
            self.assertIn('<a href="%3Cb%3E%26%27%22%C3%A4.html">&lt;b&gt;&amp;&#39;&quot;ä.html</a>', page)
            status, fields, _ = self.ask(server, "GET", "/files/sub")
            self.assertEqual((status, fields["location"]), (301, "/files/sub/"))

    def test_m5_bug_f8_nothing_leads_out(self):
        with self.serve(EDGE) as server:
            for path in ("..", "../outside", "sub/../../outside", "%2e%2e/outside", "%2E%2e/outside",
                         ".%2e/outside", "..%2foutside", "..%2Foutside", "sub%2f..", "%2fetc/passwd",
                         "/etc/passwd", "..%5coutside", "..\\outside", "sub\\..", "back\\outside", "back%5Coutside", "a.txt%00", "%00",
                         "out", "out-by-name", ".hidden/secret", ".hidden/", "./a.txt", "sub/./", "sub//",
                         "a.txt/", "a.txt/x", "nothing", "pipe", "%", "%4", "%zz", "a" * 256, "a/" * 2100):
                status, fields, body = self.ask(server, "GET", "/files/" + path)
                self.assertEqual(status, 404, path)
                self.assertNotIn(b"outside", body)

    def test_without_a_root(self):
        with Server("http_server") as server:
            self.assertEqual(self.ask(server, "GET", "/files/")[0], 404)


class Uploads(Case):
    def serve(self, mode, *options):
        self.kept = os.path.join(self.directory.name, "kept")
        os.makedirs(self.kept, exist_ok=True)
        return Server("http_server", *mode, "--uploads", self.kept, *options)

    def content(self, name):
        with open(os.path.join(self.kept, name), "rb") as file:
            return file.read()

    def test_files_are_kept_under_their_names(self):
        for number, mode in enumerate(self.modes()):
            with self.serve(mode) as server:
                for name, content in (("big", BIG), ("empty", b""), ("ä b", b"x")):
                    path = f"/upload/{number}{urllib.parse.quote(name)}"
                    status, _, body = self.ask(server, "PUT", path, content)
                    self.assertEqual((status, body[-7:]), (201, b", kept\n"), name)
                    self.assertEqual(self.content(f"{number}{name}") == content, True)
                    self.assertEqual(self.ask(server, "PUT", path, b"other")[0], 409)
                    self.assertEqual(self.content(f"{number}{name}") == content, True)
                form = (b'--X\r\nContent-Disposition: form-data; name="f"; filename="%d.form"\r\n\r\n'
                        b"of a form\r\n--X--\r\n" % number)
                headers = {"Content-Type": "multipart/form-data; boundary=X"}
                self.assertEqual(self.ask(server, "POST", "/upload", form, headers)[0], 201)
                self.assertEqual(self.content(f"{number}.form"), b"of a form")
                self.assertEqual(self.ask(server, "POST", "/upload", form, headers)[0], 409)

    def test_m5_bug_f8_names_that_are_refused_and_halves_leave_nothing(self):
        with self.serve(EDGE, "--quota", "10") as server:
            os.symlink(self.directory.name + "/elsewhere", os.path.join(self.kept, "link"))
            before = sorted(os.listdir(self.kept))
            for name, status in (("..", 400), (".", 400), (".hidden", 400), ("%2e%2e%2fx", 400), ("a/b", 400),
                                 ("a%5cb", 400), ("a%00", 400), ("a%0ab", 400), ("%ff", 400), ("%zz", 400),
                                 ("a" * 256, 400), ("link", 409), ("large", 507)):
                self.assertEqual(self.ask(server, "PUT", "/upload/" + name, b"x" * 11 if status == 507 else b"x")[0],
                                 status, name)
            form = (b'--X\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\nx\r\n--X--\r\n')
            headers = {"Content-Type": "multipart/form-data; boundary=X"}
            self.assertEqual(self.ask(server, "POST", "/upload", form, headers)[0], 400)
            self.say(server, b"PUT /upload/half HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhalf")
            self.assertEqual(sorted(os.listdir(self.kept)), before)
            self.assertFalse(os.path.exists(self.directory.name + "/elsewhere"))
            self.assertEqual(self.ask(server, "PUT", "/upload/ten", b"x" * 10)[0], 201)  # refusals cost nothing

    def test_pipelined_with_others_they_are_answered_in_order(self):
        data = b"".join(b"PUT /upload/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n%02d" % (i, i) + GET
                        for i in range(30))
        for mode in self.modes():
            with self.serve(mode) as server, server.connect() as client, client.makefile("rb") as stream:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                for i in range(30):
                    self.assertIn(read_response(stream)[2][:24], (b"2 bytes, crc32 %08x," % zlib.crc32(b"%02d" % i),))
                    self.assertEqual(read_response(stream)[2], b"Hello, World!\n")
                self.assertEqual(stream.read(), b"")


    def test_bodies_count_until_the_disk_has_them(self):
        def put(name, size):
            return b"PUT /upload/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (name, size) + bytes(size)
        with self.serve(EDGE, "--stats") as server:
            slow_disk = injected(server, "linkat", "delay_enter=60000000")  # microseconds
            if slow_disk is None:
                self.skipTest("strace may not trace here")
            self.addCleanup(slow_disk.kill)

            def stats():
                server.process.send_signal(signal.SIGUSR1)
                return parse(server.process.stderr.readline())
            clients = [server.connect() for _ in range(16)]
            requests = [put(b"%d" % number, 8 << 20) for number in range(16)]
            for client, request in zip(clients, requests):
                client.sendall(request)
            wait_for(lambda: stats()["received"] == sum(map(len, requests)))
            with server.connect() as one_more:
                self.assertEqual(send_to_the_end(one_more, put(b"more", 1000))[:12], b"HTTP/1.1 503")
            slow_disk.kill()
            slow_disk.wait()
            for client in clients:
                with client.makefile("rb") as stream:
                    self.assertEqual(read_response(stream)[0], 201)
                client.close()
            self.assertEqual(self.ask(server, "PUT", "/upload/more", b"x")[0], 201)
            self.assertEqual(parse(server.stop()[2])["rejected.memory"], 1)


class Curl(Case):
    def curl(self, *arguments):
        done = subprocess.run(["curl", "-sS", "--path-as-is", *arguments], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout

    def test_its_ways_to_ask_and_to_send(self):
        big, crc = os.path.join(self.root, "big.bin"), f"{zlib.crc32(BIG):08x}"
        for mode in self.modes():
            with self.serve(mode) as server:
                url = f"http://{server.address}"
                line = f"{len(BIG)} bytes, crc32 {crc}, not kept\n".encode()
                self.assertEqual(self.curl("-T", big, f"{url}/upload/"), line)
                self.assertEqual(self.curl("-H", "Transfer-Encoding: chunked", "-T", big, f"{url}/upload/"), line)
                self.assertEqual(self.curl("--data-binary", f"@{big}", f"{url}/upload"), line)
                page = self.curl("-F", f"file=@{big};filename=<ä>", "-F", "remark=hallo", f"{url}/upload").decode()
                self.assertIn("<td>&lt;ä&gt;</td><td>application/octet-stream</td>"
                              f'<td class="number">{len(BIG)}</td><td><code>{crc}</code></td>', page)
                self.assertIn("<td>hallo</td>", page)
                self.assertEqual(self.curl("-r", "100-199", f"{url}/files/big.bin"), BIG[100:200])
                self.assertEqual(self.curl("--http1.0", f"{url}/plain", f"{url}/plain"), b"Hello, World!\n" * 2)
                self.assertIn(b"Content-Length: 14\r\n", self.curl("--head", f"{url}/plain"))
                self.assertIn(b"<b>me</b>", self.curl("-L", "-d", "name=me&remark=yes", f"{url}/guestbook"))
                self.assertEqual(self.curl(f"{url}/files/big.bin", "-C", "2999000", "-o", "-"), BIG[2_999_000:])


class Wrk(Case):
    def test_it_completes_requests_and_all_succeed(self):
        with self.serve(EDGE) as server:
            for path in ("/plain", "/files/a.txt"):
                done = subprocess.run(["wrk", "-t1", "-c64", "-d1s", "--timeout", "20s",
                                       f"http://{server.address}{path}"],
                                      capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(int(re.search(r"(\d+) requests in", done.stdout)[1]), 0)
                self.assertNotIn("Non-2xx", done.stdout)
                self.assertNotIn("Socket errors", done.stdout)


class Mistakes(Case):
    def test_a_root_that_is_no_directory(self):
        for root in ("/nonexistent", os.path.join(self.root, "a.txt")):
            status, out, err = run("http_server", "--root", root)
            self.assertEqual((status, out), (2, ""))
            self.assert_one_line(err, "http_server: ", root)


if __name__ == "__main__":
    unittest.main()
