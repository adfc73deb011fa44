"""A plug-in with one of each kind of extension, and some that do not work, for the tests."""

import os
from dataclasses import dataclass, replace

import numpy as np

from composegan.data import Sample
from composegan.plugin import (
    DataSource,
    GroupingPlan,
    GroupingPolicy,
    LossRecipe,
    Metric,
    UserError,
    Verb,
    choice,
    number,
)


def first_alone(spec, argument, statistics, fits):
    if argument == "fail":
        raise ZeroDivisionError("no such thing")
    if argument == "exit":
        raise SystemExit(0)
    if argument == "user":
        raise UserError("grouping=first_alone:user: what a policy has to say")
    if argument == "plain":
        return [[0], [1, 2]]
    if argument == "few":
        return GroupingPlan.single(len(spec.classes) - 1)
    if argument == "asks":
        return GroupingPlan.per_class(3) if fits(GroupingPlan.per_class(3)) else GroupingPlan.single(3)
    return GroupingPlan(((0,), tuple(range(1, len(spec.classes)))))


class Stripes:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if self.count == 3:
            raise KeyError("torn")
        if self.count == 5:
            return 5
        labels = np.repeat(np.arange(16, dtype=np.uint8)[:, None] // 2 % 3, 16, 1)
        image = np.random.default_rng(index).integers(0, 256, (3, 16, 16), dtype=np.uint8)
        return Sample(image, labels, f"stripes {index} in {os.getpid()}")


def open_stripes(address, spec, split):
    if address == "fail":
        raise OSError("no way there")
    return Stripes(int(address.split("/")[-1]))


def describe(images, labels, classes):
    return images.float().flatten(2).mean(dim=2) if classes == 3 else images


def compare(real, generated):
    return float((real.mean(dim=0) - generated.mean(dim=0)).abs().sum())


def phases(config):
    from composegan.training.phases import phases

    built_in = phases(config)
    renamed = replace(built_in[0], loss=lambda state, real: doubled(*built_in[0].loss(state, real)))
    return [renamed, *built_in[1:]]


def doubled(loss, logs):
    return 2 * loss, {**logs, "loss/doubled": 2 * loss}


def no_generator(config):
    return [phase for phase in phases(config) if phase.network == "discriminator"]


@dataclass
class Hinge:
    margin: float = number(1.0, above=0)  # distance to the boundary
    reduce: str = choice("mean", "sum")  # over the batch


@dataclass
class Words:
    times: int = number(2, least=1, most=9)  # how often
    word: str = "hi"  # what to say


def speak(settings):
    print(" ".join([settings.word] * settings.times))
    return 3 if settings.word == "three" else None


policy = GroupingPolicy(propose=first_alone, api=1)
source = DataSource(open=open_stripes, api=1)
metric = Metric(describe=describe, compare=compare, api=1)
more_is_better = Metric(describe=describe, compare=compare, better="higher", api=1)
shapeless = Metric(describe=lambda images, labels, classes: images.float(), compare=compare)
far_off = Metric(describe=print, compare=lambda real, generated, settings: settings.margin, settings=Hinge)
recipe = LossRecipe(phases=phases, image_phases=lambda config, keep: phases(config), api=1)
lame = LossRecipe(phases=no_generator)
wrong = LossRecipe(phases=lambda config: ["Dmain"])
hinge = LossRecipe(phases=lambda config, settings: settings, settings=Hinge)
say = Verb("say something", speak, settings=Words)
echo = Verb("print the arguments", print, lambda arguments: f"help for {arguments}")
