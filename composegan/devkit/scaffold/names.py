"""What a new domain and its classes may be called."""

from __future__ import annotations

import re
from importlib.util import find_spec
from keyword import iskeyword, issoftkeyword

from composegan.errors import UserError
from composegan.plugin import registry

FIRST = "background"
MOST = 255
RESERVED = ("all", "composegan", "none", "null", "test", "testing")


def check_name(name: str) -> str:
    """The name of a new domain, which is also a Python package's. Raises UserError, saying what would be right."""
    if not name:
        raise UserError("new: which name? as in composegan new pets classes=cat,dog")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        plain = re.sub(r"\W+", "_", name.casefold(), flags=re.ASCII).strip("_")
        better = f", such as {plain}" if re.fullmatch(r"[a-z][a-z0-9_]*", plain) else ""
        raise UserError(f"{name!r} cannot be a domain's name: a-z, 0-9 and _ are allowed, a letter first{better}")
    if iskeyword(name) or issoftkeyword(name) or name in RESERVED:
        raise UserError(f"{name!r} is a reserved word; choose another name, such as {name}_domain")
    for found in registry.discover():
        if found.name == name:
            raise UserError(f"a domain {name!r} is installed already, by {found.distribution}; choose another name")
    if find_spec(f"composegan_{name}"):
        raise UserError(f"a package composegan_{name} is installed already; choose another name")
    return name


def read_classes(text: str) -> list[str]:
    """The classes of a new domain from `cat,dog`; the first is the background unless it is among them.

    Raises UserError for a name that cannot be written on a command line, is reserved or there twice, and for too many.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not [name for name in names if name != FIRST]:
        raise UserError("which classes? write classes=cat,dog; the background is added")
    seen: dict[str, str] = {}
    for name in names:
        if not re.fullmatch(r"[^\W\d_][\w-]*", name):
            raise UserError(f"classes={text}: {name!r} cannot be a class: letters, digits, - and _, a letter first")
        if name.casefold() in RESERVED[:1]:
            raise UserError(f"classes={text}: {name!r} is reserved, for classes=all; choose another name")
        if name.casefold() in seen:
            raise UserError(f"classes={text}: {seen[name.casefold()]!r} is there twice ({name}); remove one")
        seen[name.casefold()] = name
    names = [FIRST, *(name for name in names if name.casefold() != FIRST)]
    if len(names) > MOST:
        raise UserError(f"classes: {len(names)} with the background; a vocabulary has at most {MOST}")
    return names
