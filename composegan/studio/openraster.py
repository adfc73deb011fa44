"""OpenRaster files: a zip of PNGs and a list, as Krita, GIMP and MyPaint open them.

Format: https://www.openraster.org, version 0.0.6: `mimetype` first and uncompressed, `stack.xml` from front to back.
"""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from composegan.editing.layers import Layers
from composegan.studio.words import title


def openraster(layers: Layers) -> bytes:
    """The layers as an .ora file."""
    height, width = layers.images.shape[1:3]
    flat = Image.fromarray(layers.flattened())
    small = flat.copy()
    small.thumbnail((256, 256))
    rows = []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        for place, (name, image) in enumerate(zip(layers.classes, layers.images, strict=True)):
            archive.writestr(f"data/{place:02d}.png", png(image))
            rows.append(f'    <layer name={quoteattr(title(name))} src="data/{place:02d}.png" x="0" y="0"/>')
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>', f'<image version="0.0.6" w="{width}" h="{height}">', "  <stack>",
            *reversed(rows), "  </stack>", "</image>",
        ]  # fmt: skip
        archive.writestr("stack.xml", "\n".join(lines) + "\n", zipfile.ZIP_DEFLATED)
        archive.writestr("mergedimage.png", png(np.asarray(flat)))
        archive.writestr("Thumbnails/thumbnail.png", png(np.asarray(small)))
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """A picture (H, W), (H, W, 3) or (H, W, 4) of uint8 as a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
