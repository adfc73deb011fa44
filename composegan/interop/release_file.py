"""Read files of the public SemanticStyleGAN release without running any code they may hold.

Such a file is a pickle of tensors, plain values and one `argparse.Namespace`, and nothing else is read from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composegan.errors import UserError
from composegan.interop.reference import Reference, convert
from composegan.io.guarded import reading
from composegan.io.schema import Each, Leaf, OrNone, check
from composegan.io.tensor_file import read_saved
from composegan.training.moments import FLOATS

NETWORK = OrNone(Each(FLOATS))
SCHEMA = {"args?": OrNone(Each(Leaf("anything", lambda x: True))), "g_ema?": NETWORK, "g?": NETWORK, "d?": NETWORK}
"""What every reader of the file relies on. The settings in `args` are checked by `reference`, and the optimizers'
state, without which the rest can be used, by `release_moments`."""


def read_reference(path: Path) -> Reference:
    """The networks in a file of the release. Raises UserError that names the file, as `read` and `convert` do."""
    checkpoint = read(path)
    try:
        return convert(checkpoint)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read(path: Path) -> dict[str, Any]:
    """The checkpoint in a file of the release, on the CPU: `g_ema`, `g`, `d`, `args` and whatever else it has.

    Reads both of torch's file formats. Raises UserError that names the file when it is missing, truncated, not a
    checkpoint of the release, or names a class or function other than `argparse.Namespace`.
    """
    with reading(path, "a checkpoint of the release"):
        content = read_saved(path, namespace=True)
        check(content, SCHEMA)
    return content
