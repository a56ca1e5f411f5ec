"""The parts of bench/compare.py: each module is one idea."""
