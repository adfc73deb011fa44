"""What can be done with a trained model: edits, mixtures, interpolation, components, directions, inversion."""

METHODS = ("resample", "copy", "scale", "interpolate", "add", "remove")
"""How an edit changes codes: draw new ones; take another picture's; move them towards the mean or away from it; move
them towards another picture's; add the class; remove it."""

DIRECTION_METHODS = ("pca", "sefa", "boundary")
"""How directions are found: see `composegan.editing.directions`."""
