"""What requests do to codes. They are drawn from the codes alone: nothing is pasted (`composite=False`)."""

from __future__ import annotations

import numpy as np

from composegan.editing.directions.store import Directions
from composegan.editing.edit import edit_codes
from composegan.editing.label_maps import grown
from composegan.editing.paint import move_codes, paint_codes
from composegan.editing.recolor import color_of, recolor_codes
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.networks.layout import OPEN
from composegan.session.label_png import labels_of_text, text_of
from composegan.session.request import Request


def apply(model: Model, codes: Codes, request: Request, directions: Directions) -> Codes:
    """The codes of one picture after a request. Raises UserError for classes, colours, masks and directions that the
    model does not have."""
    given = request.given
    if request.verb == "slide":
        return directions[given["direction"]].apply(codes, given["amount"])
    if request.verb == "paint":
        names = None if "classes" not in given else Target.of(model, given["classes"]).classes
        return paint_codes(model, codes, mask_of(model, request)[None], names)
    if request.verb == "move":
        target = Target.of(model, given["classes"])
        return move_codes(model, codes, target, given.get("dx", 0.0), given.get("dy", 0.0), given.get("scale", 1.0))
    if request.verb == "recolor":
        return recolor_codes(model, codes, Target.of(model, given["classes"], "texture"), color_of(given["color"]))
    other = given.get("other")
    return edit_codes(
        model, codes, Target.of(model, given["classes"], given.get("part", "both"), given.get("base", False)),
        given.get("method", "resample"), amount=given.get("amount"), seed=given.get("seed", 1),
        other=None if other is None else model.codes(pictures=[other["picture"]], seed=other["seed"]),
    )  # fmt: skip


def classes_of(model: Model, request: Request, directions: Directions) -> tuple[str, ...]:
    """The classes that a request changes, by name; those of the mask of a painting."""
    given = request.given
    if request.verb == "slide":
        return directions[given["direction"]].target.classes
    if "classes" in given:
        return Target.of(model, given["classes"], base=given.get("base", False)).classes
    labels = np.unique(mask_of(model, request))
    return tuple(model.classes[label] for label in labels if label < len(model.classes))


def mask_of(model: Model, request: Request) -> np.ndarray:
    """The label map of a painting: (H, W) uint8. Raises UserError for a mask of another size or classes."""
    return labels_of_text(request.given["mask"], model.spec, model.generator.height, model.generator.width)


def sparing(model: Model, request: Request, labels: np.ndarray, classes: set[str]) -> Request:
    """A painting that keeps all pixels which show these classes: labels (H, W). Raises UserError if nothing is left."""
    mask = mask_of(model, request)
    covered = np.isin(labels, [model.index(name) for name in classes])
    if (covered | (mask == OPEN)).all():
        raise UserError(f"{', '.join(sorted(classes))}: locked; unlock before painting there")
    return Request("paint", {**request.given, "mask": text_of(np.where(covered, labels, mask))})


def only_where_painted(model: Model, codes: Codes, request: Request, labels: np.ndarray) -> Request:
    """A painting of classes that the picture (labels: (H, W)) lacks, which keeps them from appearing elsewhere too.

    A class that becomes present is also drawn where its own shape code has it; these pixels are held as they were.
    """
    mask = mask_of(model, request)
    new = [label for label in np.unique(mask) if label != OPEN and not codes.present[0, int(label)]]
    if not new or "classes" in request.given:
        return request
    after = draw(model, paint_codes(model, codes, mask[None])).labels[0]
    stray = grown(np.isin(after, new) & (mask == OPEN)) & (mask == OPEN)
    if not stray.any():
        return request
    return Request("paint", {**request.given, "mask": text_of(np.where(stray, labels, mask))})
