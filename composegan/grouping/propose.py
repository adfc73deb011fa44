"""From the setting `grouping` to a plan: lists of class names, or the proposal of a policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from composegan.config.extensions import extension
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.plugin.contracts import Budget, GroupingPolicy, Splitting
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.data.statistics import ClassStatistics


class Unlimited:
    """The budget of a run without limits."""

    given = False

    def __call__(self, plan: GroupingPlan) -> bool:
        return True

    def excess(self, plan: GroupingPlan) -> dict[str, str]:
        return {}

    def refusal(self, plans: Sequence[GroupingPlan]) -> UserError:
        raise AssertionError("every plan is within this budget")


def policy_of(config: Config) -> GroupingPolicy | None:
    """The policy that the setting names; None for lists of class names. Raises UserError if it cannot be used."""
    return extension(config, "grouping").plugin if isinstance(config.grouping, str) else None


def splitting_of(config: Config) -> Splitting | None:
    """How the policy splits groups during training; None if it does not."""
    policy = policy_of(config)
    return policy.splitting if policy else None


def last_groups(config: Config, classes: int) -> int:
    """The number of groups at which splitting stops; 0 if groups are not split during training."""
    splitting = splitting_of(config)
    return splitting.last_groups(config.grouping.partition(":")[2], classes) if splitting else 0


def propose(
    config: Config, spec: DomainSpec, statistics: Callable[[], ClassStatistics], budget: Budget | None = None
) -> GroupingPlan:
    """The plan that `config.grouping` means.

    statistics: measures the data if the policy asks for it; budget: None for no limits.
    Raises UserError for a policy that fails or does not suit the domain, and for a plan that exceeds the budget.
    """
    budget = budget or Unlimited()
    if isinstance(config.grouping, str):
        found = extension(config, "grouping")
        with found.use() as policy:
            plan = policy.propose(spec, config.grouping.partition(":")[2], statistics, budget)
            if not isinstance(plan, GroupingPlan) or plan.classes != len(spec.classes):
                raise TypeError(f"it gives {plan!r}; a GroupingPlan of the {len(spec.classes)} classes is needed")
    else:
        plan = GroupingPlan.from_names(config.grouping, spec.names)
    if over := budget.excess(plan):
        what = f"grouping={config.grouping}" if isinstance(config.grouping, str) else "the given grouping"
        needs = ", ".join(over.values())
        raise UserError(f"{', '.join(over)}: {what} needs {needs}; grouping=affinity takes as many as fit")
    return plan


def settled_plan(config: Config, spec: DomainSpec) -> GroupingPlan:
    """The plan that a run with this configuration starts with, once `fit` has resolved what depends on the data.

    Raises UserError if that has not been done.
    """

    def no_statistics() -> ClassStatistics:
        raise UserError(f"grouping={config.grouping}: depends on the images; give the lists of names that `fit` prints")

    return propose(config, spec, no_statistics)
