"""What a run does between steps."""

import pytest

from composegan.config.schema import Config, OutputConfig, TrainingConfig
from composegan.runs.schedule import Actions, Progress, is_due, plan

NOTHING = Actions()


def actions(images_seen, stop_requested=False, score_every=12):
    output = OutputConfig(log_every=2, samples_every=8, checkpoint_every=6, score_every=score_every)
    training = TrainingConfig(batch=1, images=25)
    return plan(Progress(images_seen, stop_requested), Config(output=output, training=training))


@pytest.mark.parametrize(
    ("images_seen", "stop_requested", "expected"),
    [
        (1, False, NOTHING),
        (2, False, Actions(check="spikes", interval=True)),
        (6, False, Actions(check="spikes", interval=True, save=True, regular=True)),
        (8, False, Actions(check="spikes", interval=True, draw=True)),
        (12, False, Actions(check="spikes", interval=True, score="due", save=True, regular=True)),
        (1, True, Actions(check="finite", save=True, stop="early")),
        (2, True, Actions(check="spikes", interval=True, save=True, stop="early")),
        (6, True, Actions(check="spikes", interval=True, save=True, regular=True, stop="early")),
        (8, True, Actions(check="spikes", interval=True, draw=True, save=True, stop="early")),
        (25, False, Actions(check="finite", draw=True, score="finished", save=True, stop="finished")),
        (25, True, Actions(check="finite", draw=True, score="finished", save=True, stop="finished")),
        (26, False, Actions("spikes", True, draw=True, score="finished", save=True, stop="finished")),
    ],
)
def test_plan(images_seen, stop_requested, expected):
    assert actions(images_seen, stop_requested) == expected


def test_plan_without_scores_never_scores():
    assert {actions(seen, score_every=0).score for seen in range(1, 26)} == {""}


def test_steps_that_cross_a_multiple_are_due():
    assert [seen for seen in range(3, 31, 3) if is_due(seen, 3, 10)] == [12, 21, 30]
    assert not any(is_due(seen, 3, 0) for seen in range(0, 30, 3))
