"""The page of live statistics of http_server in a real browser, without a screen."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from demo import Modes, Server

PATIENCE = 60  # seconds; a browser takes its time to start


def dump(url):
    """The document after its scripts have run for some (virtual) seconds."""
    browser = shutil.which("chromium")
    if browser is None:
        raise AssertionError("no chromium: cmake/debian_packages.sh tests installs it")
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                               f"--user-data-dir={home}", "--virtual-time-budget=3500", "--dump-dom", url],
                              capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, "HOME": home})
    if "<html" not in done.stdout:
        raise AssertionError(f"the browser did not start or show a page: status {done.returncode}, "
                             f"it says: {done.stderr[-2000:]}")
    return done.stdout


class Browser(Modes):
    def test_statistics_are_fetched_and_shown(self):
        with Server("http_server", "--trigger", "one-shot") as server:
            page = dump(f"http://{server.address}/stats")
            self.assertIn("Live.", page)
            self.assertIn('<b id="figure-trigger">one-shot</b>', page)
            # The page, its style and script, and the figures more than once.
            self.assertGreater(int(re.search(r'<b id="figure-requests">(\d+)</b>', page)[1]), 4)
            self.assertRegex(page, r'<polyline id="line" points="[\d.,]+')


if __name__ == "__main__":
    unittest.main()
