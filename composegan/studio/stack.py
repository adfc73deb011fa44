"""The layers of a picture for the page and for files, also of models whose pictures are not made of layers."""

from __future__ import annotations

import numpy as np

from composegan.editing.layers import Layers
from composegan.session.session import Session


def stack_of(session: Session) -> Layers:
    """The layers from back to front. Of a model without layers, what is seen of each class, cut out, large ones first.

    Laid over one another they are the picture.
    """
    if hasattr(session.model.generator, "layers"):
        return session.layers()
    labels, pixels = session.picture.labels, np.asarray(session.picture.image)
    areas = np.bincount(labels.ravel(), minlength=len(session.model.classes))
    order = [int(index) for index in np.argsort(-areas, kind="stable") if areas[index]]
    cut = [np.dstack((pixels, np.where(labels == index, 255, 0).astype(np.uint8))) for index in order]
    return Layers(tuple(session.model.classes[index] for index in order), np.stack(cut))
