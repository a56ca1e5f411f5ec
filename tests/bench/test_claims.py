"""How claims are tried, kept and shown; no claim is measured here."""

import contextlib
import io
import unittest
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import claims as program
from comparison import claims, claims_page, trial
from comparison.claims import FAILS, HOLDS, NOT_TRIED, UNDECIDED, Claim, Finding
from comparison.processes import Failed


def claim_of(name, attempt, seconds=1.0):
    return Claim(name, f"{name} is so", "Somebody 2004", "Holds if it is.", attempt, seconds)


def raising(problem):
    def attempt(_laboratory):
        raise problem

    return attempt


def found(verdict, **fields):
    return lambda laboratory: Finding(verdict, f"{laboratory.rounds} rounds", **fields)


def tried(*chosen):
    progress = trial.ClaimProgress(chosen, stream=io.StringIO())
    laboratory = SimpleNamespace(rounds=7)
    with contextlib.redirect_stderr(io.StringIO()):
        return trial.try_all(chosen, laboratory, progress)


def document_of(result):
    options = SimpleNamespace(seed=1, rounds=7, quick=True, build=None)
    with mock.patch("comparison.machine.facts", return_value={"cpu": "a|b", "cores": 2}):
        return program.document_of(result, options, "now", 1.5)


class Trials(unittest.TestCase):
    def test_each_is_asked_and_what_cannot_be_tried_says_why(self):
        refused = Claim("K2", "text", "source", "", None, reason="needs a disk")
        result = tried(claim_of("K1", found(HOLDS)), refused)
        self.assertEqual([(each.finding.verdict, each.finding.figure) for each in result.tried],
                         [(HOLDS, "7 rounds"), (NOT_TRIED, "needs a disk")])
        self.assertTrue(result.complete)
        self.assertFalse(result.broken)

    def test_what_cannot_be_measured_is_undecided_and_the_next_is_tried(self):
        result = tried(claim_of("K1", raising(Failed("no disk"))), claim_of("K2", found(FAILS)))
        self.assertEqual([each.finding.verdict for each in result.tried], [UNDECIDED, FAILS])
        self.assertIn("no disk", result.tried[0].finding.figure)
        self.assertFalse(result.broken)

    def test_a_bug_in_one_loses_only_that_one_and_is_told(self):
        result = tried(claim_of("K1", raising(KeyError("x"))), claim_of("K2", found(FAILS)))
        self.assertEqual([each.finding.verdict for each in result.tried], [UNDECIDED, FAILS])
        self.assertTrue(result.broken)

    def test_ctrl_c_keeps_what_was_found(self):
        result = tried(claim_of("K1", found(HOLDS)), claim_of("K2", raising(KeyboardInterrupt())),
                       claim_of("K3", found(HOLDS)))
        self.assertEqual([each.finding.verdict for each in result.tried],
                         [HOLDS, NOT_TRIED, NOT_TRIED])
        self.assertFalse(result.complete)


class Rest(unittest.TestCase):
    def test_the_time_left_follows_the_pace_so_far(self):
        forecast = trial.Forecast([claim_of("K1", None, 60), claim_of("K2", None, 20)])
        self.assertEqual(forecast.left(4), 76)
        forecast.note(180)
        self.assertEqual(forecast.left(10), 30)
        self.assertEqual(forecast.left(100), 0)

    def test_what_is_measured_once_counts_with_the_first_that_is_tried(self):
        shared = [replace(claim_of(name, None, 43), measured_once="busy") for name in ("K8", "K10")]
        self.assertEqual(trial.Forecast(shared[1:]).left(0), 43)
        self.assertEqual(trial.Forecast(shared, share=0.1).left(0), 4.3)


class Documents(unittest.TestCase):
    def test_samples_of_several_claims_are_kept_once(self):
        samples = [{"round": 1}]
        document = document_of(tried(claim_of("K1", found(HOLDS, samples=samples)),
                                     claim_of("K2", found(FAILS, samples=samples)),
                                     claim_of("K3", found(FAILS))))
        self.assertEqual(document["samples"], {"K1": samples})
        self.assertEqual([each["samples_of"] for each in document["claims"]], ["K1", "K1", None])
        self.assertEqual((document["format"], document["kind"]), (2, "claims"))

    def test_the_table_names_every_claim_and_negatives_follow(self):
        document = document_of(tried(
            claim_of("K1", found(FAILS, negative="Do not bother.")), claim_of("K2", found(HOLDS))))
        text = claims_page.terminal(document)
        self.assertLess(text.index("K2"), text.index("- Do not bother (K1)"))
        self.assertIn("does not hold", text)

    def test_the_page_has_rules_and_curves_and_its_cells_stay_cells(self):
        table = {"header": ["n", "ns"], "rows": [[1, "2|3"]]}
        page = claims_page.markdown(document_of(tried(claim_of("K1", found(HOLDS, table=table)))))
        self.assertIn("Holds if it is.", page)
        self.assertIn("| 1 | 2\\|3 |", page)
        self.assertIn("None was found", page)

    def test_the_page_says_on_what_of_how_many_rounds_and_what_is_open(self):
        refused = Claim("K2", "text", "source", "", None, reason="needs a disk")
        partly = replace(claim_of("K1", found(HOLDS)), left_out="the rest", revised="it was wrong.")
        page = claims_page.markdown(document_of(tried(partly, refused)))
        for words in ("- Rounds: 7 of", "- Kernel:", "- Compiler:", "- Commit:", "- Date: now",
                      "- K2, text: not tried here. needs a disk", "- K1, in part not tried: the rest",
                      "another one than at first: it was wrong."):
            self.assertIn(words, page)

    def test_findings_of_an_earlier_run_are_told_apart(self):
        document = document_of(tried(claim_of("K1", found(HOLDS)), claim_of("K2", found(HOLDS))))
        document["claims"][0] |= {"started": "monday", "rounds": 25}
        page = claims_page.markdown(document)
        self.assertIn("Of an earlier run (monday, 25 rounds): K1", page)


class Registry(unittest.TestCase):
    def test_every_claim_says_by_whom_and_when_it_would_hold(self):
        for each in claims.load_all():
            self.assertTrue(each.text and each.source, each.id)
            self.assertTrue(each.criterion if each.attempt else each.reason, each.id)

    def test_a_claim_that_is_not_there_is_refused(self):
        for words in (["--only", "K99"], ["--rounds", "-1"]):
            with self.subTest(words), contextlib.redirect_stderr(io.StringIO()):
                with self.assertRaises(SystemExit) as ending:
                    program.arguments(words, known=["K1"])
                self.assertEqual(ending.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
