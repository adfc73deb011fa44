"""The metrics that composegan registers, and what the contract asks of a metric."""

import pytest

from composegan.plugin import registry
from composegan.plugin.contracts import METRIC, Metric
from tests.helpers import refused


def test_shipped_metrics_load_and_have_distinct_positions():
    found = [registry.find(name, METRIC) for name in registry.names(METRIC, own=True)]
    assert [item.error for item in found] == [None] * len(found) and len(found) == 21
    assert len({item.plugin.position for item in found}) == 21
    in_training = {item.name for item in found if item.plugin.in_training}
    by_class = {"live_classes", "mask_consistency"}
    assert in_training == {"sliced_wasserstein", "FSD", "FD-EffNetLite0", "KD-EffNetLite0"} | by_class
    better = {item.name: item.plugin.better for item in found if item.plugin.in_training}
    assert {name for name, side in better.items() if side == "higher"} == by_class


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "a metric needs describe (or rows) and compare, or measure"),
        ({"compare": print}, "a metric needs describe (or rows) and compare, or measure"),
        ({"measure": print}, "a metric without compare needs in_training=False"),
        ({"describe": print, "compare": 3}, "compare is a int; a function is needed"),
        ({"describe": print, "compare": print, "better": "more"}, "better is 'more'; 'lower' or 'higher' is needed"),
    ],
)
def test_metric_contract_is_validated(given, message):
    assert refused(Metric, **given) == message
