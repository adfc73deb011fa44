"""Labelled images: where they come from, how they are packed, and the order in which training sees them.

These are the names that plugins and the rest of the library use. None of them needs torch but `training_loader`,
which is therefore loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from composegan.data.files import by_stem, files_below, name_of
from composegan.data.fingerprints import fingerprint, fingerprint_of_files
from composegan.data.folder import FolderSource
from composegan.data.images import MAX_PIXELS, open_picture, size_of
from composegan.data.label_errors import LabelError, label_error
from composegan.data.labels import open_labels, read_labels, read_numbers
from composegan.data.layout import IMAGE_ENDINGS
from composegan.data.open import open_pictures, open_source, prepare
from composegan.data.packed import PackedSource
from composegan.data.packing import pack
from composegan.data.pairs import check_shape, photo_warnings
from composegan.data.resize import fit_sample, resize_image
from composegan.data.rgb import read_image
from composegan.data.sample import Sample, check_sample
from composegan.data.void import nearest_known
from composegan.data.warnings import source_warnings
from composegan.errors import UserError, nearest
from composegan.io.guarded import UnreadableError, read_json, read_text, reading
from composegan.io.yaml_file import read_yaml
from composegan.plugin.domain import Source

if TYPE_CHECKING:
    from composegan.data.loader import training_loader

__all__ = [
    "IMAGE_ENDINGS",
    "MAX_PIXELS",
    "FolderSource",
    "LabelError",
    "PackedSource",
    "Sample",
    "Source",
    "UnreadableError",
    "UserError",
    "by_stem",
    "check_sample",
    "check_shape",
    "files_below",
    "fingerprint",
    "fingerprint_of_files",
    "fit_sample",
    "label_error",
    "name_of",
    "nearest",
    "nearest_known",
    "open_labels",
    "open_picture",
    "open_pictures",
    "open_source",
    "pack",
    "photo_warnings",
    "prepare",
    "read_image",
    "read_json",
    "read_labels",
    "read_numbers",
    "read_text",
    "read_yaml",
    "reading",
    "resize_image",
    "size_of",
    "source_warnings",
    "training_loader",
]


def __getattr__(name: str) -> Any:
    if name == "training_loader":
        from composegan.data.loader import training_loader

        return training_loader
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
