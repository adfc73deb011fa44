"""The settings that `grouping=progressive` leaves open, resolved at the start of a run."""

from __future__ import annotations

from dataclasses import replace

from composegan.config.schema import Config
from composegan.grouping.policies import most_groups, usual_groups
from composegan.grouping.scheduler import POLICY
from composegan.networks.class_sets import ClassSets
from composegan.planning.budget import is_set, within
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def settled(config: Config, spec: DomainSpec, batch: int, class_sets: ClassSets | None = None) -> Config:
    """The configuration with everything that `progressive` leaves open filled in, so that a run that is resumed, or
    trained longer, splits as it would have: the final number of groups, the images between splits, and an embedding
    for every class.

    The number of groups is the given one, otherwise as many as the budget allows or, without a budget, as `affinity`
    uses; never more than fit the budget with `batch` pictures per device. Raises UserError for a budget that not even
    one group meets.
    """
    model, training = config.model, config.training
    if model.embedding is None:  # kept from the first step, though at the end no classes may share
        model = replace(model, embedding=True)
    config = replace(config, model=model)
    classes = len(spec.classes)
    named = config.grouping.partition(":")[2]
    groups = int(named) if named else classes if is_set(config.budget) else usual_groups(spec)
    if fits := within(config, spec, batch, class_sets):
        # The cost of a plan depends on the number of groups only.
        groups = len(most_groups([_some_plan(classes, number) for number in range(groups, 0, -1)], fits).groups)
    every = training.split_every or max(1, training.images // (2 * max(1, groups - 1)))
    return replace(config, grouping=f"{POLICY}:{groups}", training=replace(training, split_every=every))


def _some_plan(classes: int, groups: int) -> GroupingPlan:
    return GroupingPlan((*((k,) for k in range(groups - 1)), tuple(range(groups - 1, classes))))
