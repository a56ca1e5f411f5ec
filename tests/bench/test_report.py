"""The report as it is written into a folder: the page, the pictures and the tables."""

import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from comparison import report
from report_examples import (
    ECHO, OPEN, UPLOAD, UPPER, claims_file, micro_file, peers_file, run_file, write)

BENCH = Path(report.__file__).resolve().parents[2]
VOID = {"meta", "br", "hr", "img", "input", "link"}
NO_NUMBER = re.compile(r"(?<![-\w])(nan|inf)(?![-\w])", re.IGNORECASE)
HOSTILE = "<script>alert('x')</script> \"&amp; $x_{"


class Page(HTMLParser):
    """Notes what a page is made of; complains about tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text = [], [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open[-1] == tag, (tag, self.open)
            self.open.pop()

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


class Reported(unittest.TestCase):
    """Writes files into a folder of its own, and the report beside them."""

    def report(self, **documents):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        write(folder, **documents)
        text = report.write(folder).read_text()
        return folder, text, Page(text)


class Whole(unittest.TestCase):
    """Written once, looked at often."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        write(cls.folder, claims=claims_file(), micro=micro_file(),
              results=run_file([ECHO[0], ECHO[2], UPLOAD, OPEN[0], UPPER[0]], rounds=3))
        cls.text = report.write(cls.folder).read_text()
        cls.page = Page(cls.text)

    def test_nothing_is_fetched_and_nothing_runs(self):
        self.assertIsNone(re.search(r"https?:|@import|javascript:|\son\w+=|url\([^#]", self.text))
        self.assertEqual(self.page.all("script") + self.page.all("link"), [])

    def test_links_lead_somewhere(self):
        inside = {link[1:] for link in self.page.links if link.startswith("#")}
        self.assertLessEqual(inside, set(self.page.ids))
        for link in self.page.links:
            if not link.startswith("#"):
                self.assertTrue((self.folder / link).is_file(), link)

    def test_identifiers_are_there_once(self):
        self.assertEqual(len(self.page.ids), len(set(self.page.ids)))

    def test_who_does_not_see_is_told(self):
        self.assertEqual(self.page.all("html")[0]["lang"], "en")
        self.assertEqual(len(self.page.all("h1")), 1)
        self.assertTrue(all(each.get("scope") in ("col", "row") for each in self.page.all("th")))
        pictures = self.page.all("svg")
        self.assertGreater(len(pictures), 10)
        for each in pictures:
            self.assertEqual(each["role"], "img")
            self.assertIn("Picture: ", each["aria-label"])
        self.assertEqual(len(self.page.all("figcaption")), len(pictures))

    def test_pictures_take_the_colour_of_the_page(self):
        self.assertIn("currentColor", self.text)
        for svg in re.findall(r"<svg.*?</svg>", self.text, re.DOTALL):
            self.assertIsNone(re.search("#000000|#ffffff|#010203", svg))
            self.assertIsNone(NO_NUMBER.search(svg))

    def test_pictures_for_slides_are_there_in_both_kinds_on_white(self):
        pictures = sorted(path.stem for path in (self.folder / "plots").glob("*.svg"))
        self.assertEqual(pictures, sorted(
            path.stem for path in (self.folder / "plots").glob("*.png")))
        self.assertEqual(len(pictures), len(self.page.all("svg")))
        self.assertIn("#ffffff", (self.folder / "plots" / f"{pictures[0]}.svg").read_text())

    def test_all_sections_are_there(self):
        titles = re.findall(r"<h2>(.*?)</h2>", self.text)
        for title in ("What the figures say", "Against other libraries", "Level against edge",
                      "Cost against watched and active descriptors", "Latency",
                      "The highest rate that is kept", "Seven models of serving",
                      "Memory per connection", "Published claims", "Negative results", "All figures", "How it was measured, and its limits",
                      "The machine", "How to measure this again"):
            self.assertIn(title, titles)

    def test_tables_have_three_columns_for_a_figure_with_its_interval(self):
        with open(self.folder / "tables" / "echo-500.csv", newline="") as file:
            header, *rows = csv.reader(file)
        self.assertEqual(header[:4], ["contestant", "server CPU per request, µs",
                                      "server CPU per request, µs, low",
                                      "server CPU per request, µs, high"])
        self.assertTrue(all(len(row) == len(header) for row in rows))
        name, middle, low, high, *_ = rows[0]
        self.assertEqual(name, "select-level")
        self.assertLess(float(low), float(middle))
        self.assertLess(float(middle), float(high))

    def test_few_rounds_name_no_winner(self):
        self.assertIn("Nothing is decided by fewer than 20 rounds", self.page.text)
        self.assertIn("Too few rounds to say where a peer wins", self.page.text)
        figures = self.text[self.text.index('id="all-figures"'):self.text.index('id="the-machine"')]
        self.assertIsNone(re.search(r"<td>[▲▼]", figures[:figures.index('id="what-the-engine')]))

    def test_it_fits_a_telephone(self):
        chromium = shutil.which("chromium")
        if not chromium:
            self.skipTest("chromium is not installed")
        measuring = self.folder / "measuring.html"  # a window is never as narrow as a frame can be
        measuring.write_text(f"""<iframe style="width: 360px; height: 800px; border: 0"
            srcdoc="{escape(self.text)}"></iframe><script>
            const frame = document.querySelector("iframe");
            frame.onload = () => {{
              const page = frame.contentDocument;
              document.body.dataset.widths = [frame.contentWindow.innerWidth,
                page.documentElement.scrollWidth, page.body.scrollWidth].join(" "); }};
            </script>""")
        with tempfile.TemporaryDirectory() as profile:
            dump = subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu",
                 f"--user-data-dir={profile}", "--dump-dom", measuring.as_uri()],
                capture_output=True, text=True, timeout=60).stdout
        window, *widths = map(int, re.search(r'data-widths="([\d ]+)"', dump)[1].split())
        self.assertEqual(window, 360)
        self.assertLessEqual(max(widths), window)


class Parts(Reported):
    def test_a_folder_without_results_is_an_error_and_gets_no_page(self):
        with tempfile.TemporaryDirectory() as folder:
            for text, reason in ((None, "none of results.json, peers.json, claims.json, micro.json is there"),
                                 ("[", "results.json could not be read")):
                if text:
                    (Path(folder) / "results.json").write_text(text)
                done = subprocess.run([sys.executable, BENCH / "report.py", folder],
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(reason, done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertFalse((Path(folder) / "report.html").exists())

    def test_claims_alone(self):
        _, text, _ = self.report(claims=claims_file())
        self.assertIn("Published claims", text)
        self.assertNotIn("Level against edge", text)

    def test_libraries_without_a_server(self):
        document = run_file(ECHO[:1], rounds=1)
        _, text, page = self.report(results=document, peers=peers_file())
        self.assertIn("What the libraries take without a server", text)
        self.assertIn("Takes less time than pollux to arm a timer: libev ×0.5", page.text)
        self.assertEqual(text.count("<h2>Timers"), 0)
        _, _, page = self.report(results=document, peers=peers_file(rounds=5))
        self.assertIn("or there were too few rounds", page.text)

    def test_a_run_that_was_stopped_is_shown_and_said_to_be_one(self):
        document = run_file(ECHO[:1], rounds=1) | {"complete": False, "finding": []}
        document["samples"] = document["samples"][:3]
        _, _, page = self.report(results=document)
        self.assertIn("stopped before its end", page.text)

    def test_a_run_that_has_measured_nothing(self):
        document = run_file(ECHO[:1], rounds=1) | {"samples": [], "complete": False}
        _, _, page = self.report(results=document)
        self.assertIn("The machine", page.text)

    def test_files_of_different_machines_are_warned_of(self):
        claims = claims_file()
        claims["machine"]["kernel"] = "Linux 2.6"
        _, _, page = self.report(results=run_file(ECHO[:1], rounds=1), claims=claims)
        self.assertIn("do not have the same kernel", page.text)
        self.assertNotIn("do not have the same CPU", page.text)

    def test_what_cannot_be_read_is_said_and_the_rest_is_shown(self):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        write(folder, claims=claims_file(), micro={"started": "an old one"})
        (folder / "results.json").write_text('{"format": 2')
        page = Page(report.write(folder).read_text())
        self.assertIn("results.json could not be read", page.text)
        self.assertIn("micro.json is of another version", page.text)
        self.assertIn("Published claims", page.text)

    def test_names_cannot_break_out(self):
        document = json.loads(json.dumps(run_file([ECHO[0], OPEN[0]], rounds=1)).replace(
            "epoll-edge-drain", json.dumps(HOSTILE)[1:-1]))
        document["finding"] = [HOSTILE]
        document["machine"]["cpu"] = HOSTILE
        _, _, page = self.report(results=document)
        self.assertEqual(page.all("script"), [])
        self.assertIn(HOSTILE, page.text)

    def test_counts_that_disagree_are_said_loudly(self):
        document = run_file(ECHO[:1], rounds=1)
        document["samples"][0]["values"]["differences"] = ["recv: 3 by the engine, 4 by the kernel"]
        _, _, page = self.report(results=document)
        self.assertIn("do not count the same", page.text)
        self.assertIn("recv: 3 by the engine", page.text)

    def test_figures_that_are_none_are_left_out(self):
        document = run_file([ECHO[0], ECHO[1], OPEN[0]], rounds=2)
        for number, sample in enumerate(document["samples"]):
            values = sample["values"]
            if "cpu" in values:
                values["cpu"] = (0.0, float("nan"), None, 1.0)[number % 4]
                values["histogram"] = ([], None, [[100, 1]], [[1, 1], [2, 5]])[number % 4]
        _, text, _ = self.report(results=document)
        self.assertIsNone(NO_NUMBER.search(text))

    def test_the_files_of_an_older_report_go(self):
        folder, _, _ = self.report(claims=claims_file())
        (folder / "plots" / "old.svg").write_text("")
        report.write(folder)
        self.assertFalse((folder / "plots" / "old.svg").exists())

    def test_the_same_files_give_the_same_page(self):
        folder, text, _ = self.report(claims=claims_file(), micro=micro_file())
        self.assertEqual(report.write(folder).read_text(), text)


if __name__ == "__main__":
    unittest.main()
