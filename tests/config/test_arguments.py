from __future__ import annotations

import pytest

from composegan.config.arguments import split_arguments
from composegan.errors import UserError


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
    with pytest.raises(UserError) as caught:
        split_arguments(["seed=1", argument])
    assert said in str(caught.value)
