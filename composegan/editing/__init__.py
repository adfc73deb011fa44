"""What can be done with a trained model: edits, mixtures, interpolation, components, directions, inversion."""

from composegan.errors import UserError

METHODS = ("resample", "copy", "scale", "interpolate", "add", "remove")
"""How an edit changes codes: draw new ones; take another picture's; move them towards the mean or away from it; move
them towards another picture's; add the class; remove it."""

AMOUNT = 0.5
"""How far "scale" and "interpolate" move the codes unless they are given an amount."""
WITH_AMOUNT, WITH_OTHER = ("scale", "interpolate"), ("copy", "interpolate")
"""The methods that use an amount, and those that use another picture's codes."""


def check_used(method: str, amount: object, other: object) -> None:
    """Raise UserError for an amount or other codes, None if not given, that the method would ignore."""
    for name, value, methods in (("amount", amount, WITH_AMOUNT), ("other", other, WITH_OTHER)):
        if value is not None and method not in methods:
            given = f"{name}={value}" if isinstance(value, (int, float, str)) else name
            raise UserError(f"{given}: is for method={' and method='.join(methods)}, not for method={method}")


DIRECTION_METHODS = ("pca", "sefa", "boundary")
"""How directions are found: see `composegan.editing.directions`."""
