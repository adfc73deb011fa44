"""Arguments of the form key=value, and lists written in one value."""

import pytest

from composegan.config.arguments import split_arguments
from composegan.config.lists import changes_in
from composegan.errors import UserError
from tests.helpers import refused


def test_split_arguments_keeps_order_and_last_value():
    assert split_arguments(["a.b=1", "c=x=y z", "a.b=2", "d="]) == [("c", "x=y z"), ("a.b", "2"), ("d", "")]


def test_index_in_brackets_or_after_a_dot():
    assert split_arguments(["grouping[0][1]=hat"]) == [("grouping.0.1", "hat")]
    assert split_arguments(["grouping.2=nose"]) == [("grouping.2", "nose")]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--model.size", "settings have no dashes; write model.size=VALUE"),
        ("--model.size=3", "--model.size=3: settings have no dashes; write model.size=3"),
        ("-n", "write n=VALUE"),
        ("--", "write key=VALUE"),
        ("training.batch", "'training.batch' is not key=value; write training.batch=VALUE"),
        ("=3", "'=3' is not key=value"),
        ("", "'' is not key=value"),
    ],
)
def test_split_arguments_refuses_other_forms(argument, said):
    assert said in refused(split_arguments, ["seed=1", argument])


def test_changes():
    known = ("hair", "hat", "eyeglass")
    assert changes_in("+hat,-eyeglass", known) == (["hat"], ["eyeglass"], None)
    assert changes_in("hat, hair", known) == ([], [], ["hat", "hair"])
    assert changes_in("", known) == changes_in("all", known) == ([], [], None)
    for wrong in ("+hat,hair", "+hat,-hat", "+hut"):
        with pytest.raises(UserError, match="hat"):
            changes_in(wrong, known)
