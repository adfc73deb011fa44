"""The parts of the study by name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from composegan.errors import UserError, nearest

PARTS = ("cost", "quality")


def main(arguments: Sequence[str]) -> None:
    """The part that the first argument names, with the others for its settings; both parts when there is none."""
    part, *settings = arguments or ["both"]
    if part not in (*PARTS, "both"):
        raise UserError(f"which part of the study? {nearest(part, PARTS)}")
    for name in PARTS if part == "both" else [part]:
        import_module(f"benchmarks.class_scaling.{name}").main(settings)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(f"benchmarks.class_scaling: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("benchmarks.class_scaling: interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)
