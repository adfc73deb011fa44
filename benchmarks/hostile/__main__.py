"""`python -m benchmarks.hostile`: exit status 1 where there was a failure."""

from __future__ import annotations

import sys

from benchmarks.hostile.run import main

if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
