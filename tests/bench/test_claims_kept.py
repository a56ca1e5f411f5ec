"""What becomes of the findings of an earlier run in the same folder."""

import json
import tempfile
import unittest
from pathlib import Path

from comparison import claims_kept


def finding(name, started, rounds=25, samples_of=None, stopped=False):
    return {"id": name, "started": started, "rounds": rounds, "samples_of": samples_of,
            "stopped": stopped}


def document(started, *claims, samples=None, complete=True, **machine):
    machine = {"commit": "abc", "cpu": "one", "load_average": [len(started)]} | machine
    return {"format": claims_kept.FORMAT, "kind": "claims", "started": started,
            "machine": machine, "claims": list(claims), "samples": samples or {},
            "complete": complete}


OLD = document("monday", finding("K1", "monday", samples_of="K1"),
               finding("K2", "monday", samples_of="K1"), finding("K10", "monday"),
               samples={"K1": ["old"]})


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def kept(self, new, old=OLD):
        claims_kept.write(self.folder, old)
        return claims_kept.keep(self.folder, new)

    def files(self):
        return sorted(each.name for each in self.folder.iterdir())

    def made(self, found):
        return [(each["id"], each["started"]) for each in found["claims"]]

    def test_the_others_stay(self):
        found, said = self.kept(document("tuesday now", finding("K10", "tuesday")))
        self.assertEqual(self.made(found),
                         [("K1", "monday"), ("K2", "monday"), ("K10", "tuesday")])
        self.assertIn("2 findings are of an earlier run", said[0])
        self.assertEqual(self.files(), ["claims.json"])

    def test_samples_stay_with_the_claims_that_were_judged_by_them(self):
        found, _ = self.kept(document("tuesday", finding("K1", "tuesday", samples_of="K1"),
                                      samples={"K1": ["new"]}))
        places = {each["id"]: found["samples"].get(each["samples_of"]) for each in found["claims"]}
        self.assertEqual(places, {"K1": ["new"], "K2": ["old"], "K10": None})

    def test_what_ctrl_c_stopped_does_not_replace_what_was_found(self):
        found, _ = self.kept(document(
            "tuesday", finding("K1", "tuesday"), finding("K2", "tuesday", stopped=True),
            finding("K3", "tuesday", stopped=True), complete=False))
        self.assertEqual(self.made(found), [("K1", "tuesday"), ("K2", "monday"), ("K3", "tuesday"),
                                            ("K10", "monday")])
        self.assertFalse(found["complete"])

    def test_a_stopped_run_that_lacks_nothing_is_complete(self):
        found, _ = self.kept(document("tuesday", finding("K2", "tuesday", stopped=True),
                                      complete=False))
        self.assertTrue(found["complete"])

    def test_another_machine_or_commit_sets_the_file_aside_with_a_word(self):
        for changed, word in (({"commit": "def"}, "of commit abc, and now it is def"),
                              ({"cpu": "two"}, "another cpu")):
            with self.subTest(word):
                found, said = self.kept(document("tuesday", finding("K1", "tuesday"), **changed))
                self.assertEqual(self.made(found), [("K1", "tuesday")])
                self.assertIn(word, said[0])
                aside = self.folder / "claims-of-monday.json"
                self.assertEqual(json.loads(aside.read_text()), OLD)

    def test_changes_that_have_no_name_may_be_any(self):
        here = {"commit": "abc and uncommitted changes"}
        found, said = self.kept(document("tuesday", finding("K1", "tuesday"), **here),
                                document("monday", finding("K2", "monday"), **here))
        self.assertEqual(self.made(found), [("K1", "tuesday")])
        self.assertIn("uncommitted", said[0])

    def test_a_quick_look_keeps_the_thorough_one_beside(self):
        found, said = self.kept(document("tuesday", finding("K1", "tuesday", rounds=3)))
        self.assertEqual(self.made(found)[0], ("K1", "tuesday"))
        self.assertIn("more rounds were replaced (K1)", said[-1])
        self.assertEqual(self.files(), ["claims-of-monday.json"])

    def test_claims_of_another_machine_that_cannot_be_counted_are_set_aside_once(self):
        old = {**document("monday", cpu="another"), "claims": 3}
        (self.folder / "claims.json").write_text(json.dumps(old))
        new = document("tuesday", finding("K1", "tuesday"))
        found, said = claims_kept.keep(self.folder, new)
        self.assertEqual(found, new)
        self.assertIn("is left out", said[0])
        self.assertEqual(self.files(), ["claims-of-monday.json"])

    def test_a_file_that_says_nothing_is_no_obstacle(self):
        for text in ("", "{}", "[1]", "not json"):
            (self.folder / "claims.json").write_text(text)
            new = document("tuesday", finding("K1", "tuesday"))
            self.assertEqual(claims_kept.keep(self.folder, new), (new, []))


if __name__ == "__main__":
    unittest.main()
