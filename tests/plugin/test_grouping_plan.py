"""Grouping plans: partitions of the classes."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from composegan.errors import UserError
from composegan.plugin.grouping_plan import GroupingPlan

NAMES = ("background", "hair", "hat", "face", "nose")


def test_per_class_and_single():
    assert GroupingPlan.per_class(3).groups == ((0,), (1,), (2,))
    assert GroupingPlan.per_class(3).group_of == (0, 1, 2)
    assert GroupingPlan.single(3).groups == ((0, 1, 2),)
    assert GroupingPlan.single(3).group_of == (0, 0, 0)
    assert GroupingPlan.single(1) == GroupingPlan.per_class(1)


def test_equal_partitions_are_equal_plans():
    one = GroupingPlan(((4, 3), (2, 0), (1,)))
    other = GroupingPlan([[1], [0, 2], [3, 4]])
    assert one == other and hash(one) == hash(other)
    assert one.groups == ((0, 2), (1,), (3, 4))
    assert one.group_of == (0, 1, 0, 2, 2)
    assert one.classes == 5
    assert GroupingPlan.from_group_of(one.group_of) == one


def test_plan_is_frozen():
    with pytest.raises(FrozenInstanceError):
        GroupingPlan.single(2).groups = ((0,), (1,))


def test_names_round_trip():
    plan = GroupingPlan.from_names([["nose", "face"], ["hat", "background"], ["hair"]], NAMES)
    assert plan.groups == ((0, 2), (1,), (3, 4))
    assert plan.to_names(NAMES) == [["background", "hat"], ["hair"], ["face", "nose"]]
    assert GroupingPlan.from_names(plan.to_names(NAMES), NAMES) == plan


def test_json_round_trip():
    plan = GroupingPlan(((0, 2), (1,)))
    assert GroupingPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "grouping=None: the name of a policy or a list of lists of class names is needed"),
        (["background", "hair"], "a list of lists of class names is needed"),
        ([[1, 2]], "a list of lists of class names is needed"),
        ([], "no group has 'background', 'hair', 'hat', 'face', 'nose'"),
        ([["background", "hair", "hat", "face"]], "no group has 'nose'"),
        ([["background", "hair", "hat", "face", "noze"]], "there is no class 'noze'; did you mean 'nose'?"),
        ([["background", "hair", "hat"], ["face", "nose", "hair"]], "class 'hair' is given twice"),
        ([["background", "hair", "hat"], [], ["face", "nose"]], "a group is empty"),
        ([["background", "hair", "hair"], ["hat", "face", "nose"]], "class 'hair' is given twice"),
        (
            [["sky"], ["road", "car"], ["person", "pole"]],
            "grouping: is a plan for other classes (sky, road, car, person, ...); these are background, hair",
        ),
    ],
)
def test_from_names_refuses_what_is_not_a_partition(value, said):
    with pytest.raises(UserError) as caught:
        GroupingPlan.from_names(value, NAMES)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ((), "a group is empty"),
        (((0,), ()), "a group is empty"),
        (((0, 1), (1, 2)), "class 1 is in more than one group"),
        (((0, 0),), "class 0 is in more than one group"),
        (((0,), (2,)), "class 1 is in no group"),
        (((1,),), "class 0 is in no group"),
        (((-1,), (0,)), "class 1 is in no group"),
        (((0,), (10**12,)), "class 1 is in no group"),
    ],
)
def test_plan_refuses_what_is_not_a_partition(groups, said):
    with pytest.raises(UserError, match=said):
        GroupingPlan(groups)


@pytest.mark.parametrize("value", [None, "per_class", [1, 2], [["a"]], [[True]], [[-1]], {"groups": []}])
def test_from_json_refuses_other_values(value):
    with pytest.raises(UserError, match="lists of class numbers are needed"):
        GroupingPlan.from_json(value)
