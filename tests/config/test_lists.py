"""Lists written in one value."""

from __future__ import annotations

import pytest

from composegan.config.lists import changes_in
from composegan.errors import UserError


def test_changes():
    known = ("hair", "hat", "eyeglass")
    assert changes_in("+hat,-eyeglass", known) == (["hat"], ["eyeglass"], None)
    assert changes_in("hat, hair", known) == ([], [], ["hat", "hair"])
    assert changes_in("", known) == changes_in("all", known) == ([], [], None)
    for wrong in ("+hat,hair", "+hat,-hat", "+hut"):
        with pytest.raises(UserError, match="hat"):
            changes_in(wrong, known)
