"""How long things take on this machine. Measured and kept, never asserted: see benchmarks.run."""
