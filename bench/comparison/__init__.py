"""The parts of bench/run and its kin: each module is one idea."""
