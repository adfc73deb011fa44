"""The metrics that composegan registers, and what the contract asks of a metric."""

import pytest

from composegan.plugin import registry
from composegan.plugin.contracts import METRIC, Metric
from tests.helpers import refused


def test_shipped_metrics_load_and_have_distinct_positions():
    found = [registry.find(name, METRIC) for name in registry.names(METRIC, own=True)]
    assert [item.error for item in found] == [None] * len(found) and len(found) == 20
    assert len({item.plugin.position for item in found}) == 20
    in_training = {item.name for item in found if item.plugin.in_training}
    assert in_training == {"sliced_wasserstein", "FSD", "FD-EffNetLite0", "KD-EffNetLite0"}
    assert all(item.plugin.better == "lower" for item in found if item.plugin.in_training)


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
