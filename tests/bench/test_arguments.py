"""The command line of bench/run."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import compare


class Output(unittest.TestCase):
    def test_a_folder_that_cannot_be_made_is_refused_before_measuring(self):
        with tempfile.NamedTemporaryFile() as file, contextlib.redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as ended:
                compare.arguments(["--output", file.name])
        self.assertEqual(ended.exception.code, 2)
        self.assertIn(f"--output {file.name}: File exists", said.getvalue())

    def test_a_folder_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "a" / "b"
            compare.arguments(["--output", str(wanted)])
            self.assertTrue(wanted.is_dir())


if __name__ == "__main__":
    unittest.main()
