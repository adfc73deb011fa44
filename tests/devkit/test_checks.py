"""Each check reports the one fault of a domain with its remedy, and nothing about a domain without faults."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace

import numpy as np
import pytest

from composegan.config.schema import DataConfig
from composegan.data import Sample
from composegan.devkit import CHECKS, DomainConformance, Subject, checks, open_subject, verdicts_of
from composegan.devkit.workers import workers
from composegan.plugin.domain import DomainPlugin, DomainSpec, Recipe, SemanticClass
from composegan.plugin.registry import Found

GROUND, BALL = SemanticClass("ground", (10, 10, 10)), SemanticClass("ball", (200, 40, 40))
SPEC = DomainSpec("toys", (GROUND, BALL), credits=("the author, CC0",))


@dataclass
class Toys:
    """A square on a ground, in a color drawn from seed and index."""

    count: int
    height: int
    width: int
    seed: int

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        labels = np.zeros((self.height, self.width), np.uint8)
        labels[4:12, 4:12] = 1
        colors = np.random.default_rng([self.seed, index]).integers(0, 256, (3, 2), dtype=np.uint8)
        return Sample(colors[:, labels], labels, f"toy {index}")


def spoiled(change):
    """A demo whose items are change(source, index, sample)."""

    class Spoiled(Toys):
        def __getitem__(self, index):
            return change(self, index, super().__getitem__(index))

    return Spoiled


def restless(toys, index, sample):
    toys.seed += 1
    return sample


def broken(toys, index, sample):
    raise ZeroDivisionError("no such thing")


class Locked(Toys):
    def __init__(self, *settings):
        super().__init__(*settings)
        self.draw = lambda: None


def subject(demo=Toys, **changes):
    plugin = DomainPlugin(spec=replace(SPEC, **changes), demo=demo)
    return Subject("toys", Found("toys", "toybox", "1.0", plugin))


def lines(check, about):
    return [verdict.line(check.__name__) for verdict in verdicts_of(check, about)]


def failures(check, about):
    return [line for line in lines(check, about) if line.startswith("FAIL")]


QUICK_CHECKS = (
    checks.contract, checks.vocabulary, checks.colors, checks.credits, checks.images, checks.presence,
    checks.warnings, checks.determinism,
)  # fmt: skip


@pytest.mark.parametrize("check", QUICK_CHECKS)
def test_check_passes_good_domain(check):
    found = lines(check, subject())
    assert found and all(line.startswith(f"ok    {check.__name__}: ") for line in found)


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        (checks.images, lambda t, i, s: replace(s, labels=s.labels * 7), "7"),
        (checks.images, lambda t, i, s: replace(s, image=s.image / 255), "image is float64"),
        (checks.images, lambda t, i, s: (s.image, s.labels), "demo: gives a tuple; a composegan.data.Sample of NumPy"),
        (checks.images, lambda t, i, s: Toys(t.count, t.width, t.width, 0)[i], "asked for 2 of 32x64, drew 2 of 64x64"),
        (checks.images, broken, "raised ZeroDivisionError: no such thing; see "),
        (checks.presence, lambda t, i, s: replace(s, labels=s.labels * 0), "demo: ball: in none of 16 images; mark it"),
        (checks.determinism, restless, "reading an image again gives a different one; make each a function of"),
        (checks.determinism, lambda t, i, s: Toys(t.count, t.height, t.width, 0)[0], "other indices or seeds draw the"),
    ],
)
def test_check_reports_faulty_demo_with_remedy(check, change, said):
    (line,) = failures(check, subject(spoiled(change)))
    assert said in line and "; " in line and "\n" not in line


def test_workers_reports_source_that_does_not_pickle():
    (line,) = failures(workers, subject(Locked))
    assert "does not pickle" in line and "; keep in it only what pickles" in line


SENT = """
import os
import numpy as np
from composegan.config.schema import DataConfig
from composegan.data import Sample

class Toys:
    def __init__(self, *settings): ...
    def __len__(self): return 3
    def __getitem__(self, index): return Sample(np.zeros((3, 8, 8), np.uint8), np.zeros((8, 8), np.uint8), "toy")

class OfTheProcess(Toys):
    def __getitem__(self, index):
        return Sample(np.full((3, 8, 8), os.getpid() % 251, np.uint8), np.zeros((8, 8), np.uint8), "toy")
"""


def test_unreadable_images_fail_once_and_skip_other_checks():
    for check in (checks.presence, checks.determinism, workers, CHECKS[-1]):
        (line,) = lines(check, subject(spoiled(broken)))
        assert line == f"skip  {check.__name__}: some images cannot be used; see `images`"


@pytest.mark.parametrize(("bad", "others"), [((17,), ""), ((17, 19), "1 more of 30 read cannot be used: toy 19"), (
    range(3, 30, 3), "8 more of 30 read cannot be used: toy 6, toy 9, toy 12, toy 15, ...")])  # fmt: skip
def test_faulty_labels_anywhere_are_found_and_fail_images_only(bad, others):
    demo = spoiled(lambda toys, index, sample: replace(sample, labels=sample.labels + 9 * (index in bad)))
    about = replace(
        subject(demo, classes=(GROUND, replace(BALL, name="l_eye"), replace(BALL, name="r_eye", color=(1, 2, 3)))),
        data=DataConfig(height=16, width=16, demo_count=30),
    )
    (line,) = failures(checks.images, about)
    assert f"toy {bad[0]}: label values outside the vocabulary (9, 10)" in line and line.endswith(others)
    assert lines(checks.warnings, about)[0].startswith(
        "warn  warnings: classes l_eye and r_eye: data.flip=on would mirror"
    )
    assert [line[:4] for check in (checks.presence, workers, CHECKS[-1]) for line in lines(check, about)] == [
        "skip"
    ] * 3


def test_images_are_read_from_the_whole_set():
    class Many(Toys):
        def __len__(self):
            return 1000

    about = subject(Many)
    assert "demo: 100 of 1,000 read, 64x64" in lines(checks.images, about)[0]
    assert [item.index for item in about.readings["demo"].seen] == list(range(0, 1000, 10))


def test_step_uses_only_images_that_were_checked(monkeypatch):
    class Many(Toys):
        def __len__(self):
            return 1000

    used = []
    train_once = "composegan.devkit.training_step.train_once"
    monkeypatch.setattr(train_once, lambda *given: used.append(given[2]) or ({"Dmain": 1.0}, 0.1))
    assert lines(CHECKS[-1], subject(Many))[0].startswith("ok    step: demo: ")
    assert used == [list(range(0, 1000, 10))]


def test_workers_compares_images_of_a_new_process(tmp_path, monkeypatch):
    (tmp_path / "toys_to_send.py").write_text(SENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    toys = importlib.import_module("toys_to_send")
    (line,) = lines(workers, subject(toys.Toys))
    assert line.startswith("ok    workers: demo: ") and line.endswith("sent to a new process, the same image there")
    (line,) = failures(workers, subject(toys.OfTheProcess))
    assert "a new process reads another image" in line
    (tmp_path / "toys_to_send.py").unlink()
    (line,) = failures(workers, subject(toys.Toys))
    assert "a new process cannot read it (ModuleNotFoundError: No module named 'toys_to_send')" in line


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ((GROUND, replace(BALL, name="Ground")), "'ground' occurs more than once, ignoring upper case; rename one"),
        ((GROUND, replace(BALL, name="a,b")), "'a,b' cannot be written in classes=NAME,NAME"),
        ((GROUND, replace(BALL, name="all")), "'all' cannot be written"),
        ((replace(GROUND, transparent=True), BALL), "class 0, 'ground', is transparent, but fills"),
    ],
)
def test_vocabulary_rejects_names_and_transparent_first_class(classes, said):
    assert said in failures(checks.vocabulary, subject(classes=classes))[0]


def test_colors_rejects_lookalikes():
    classes = (GROUND, replace(BALL, color=(12, 10, 10)))
    (line,) = failures(checks.colors, subject(classes=classes))
    assert "ground [10, 10, 10] and ball [12, 10, 10] look the same; choose colors at least 10 apart" in line


def test_credits_need_an_author_or_licence():
    (line,) = failures(checks.credits, subject(credits=()))
    assert "names a licence; add `credits: [author, licence]`" in line
    licensed = Subject("toys", Found("toys", "composegan", "1", DomainPlugin(replace(SPEC, credits=()), demo=Toys)))
    assert lines(checks.credits, licensed) == ["ok    credits: Apache-2.0"]


def test_checks_of_images_are_skipped_without_a_demo():
    for check in (checks.images, checks.presence, checks.determinism, workers):
        (line,) = lines(check, subject(None))
        assert line.startswith(f"skip  {check.__name__}: ") and "data.root=FOLDER" in line


def test_recipes_rejects_invalid_settings(tmp_path):
    (tmp_path / "toys.yaml").write_text(
        "classes: [{name: ground, color: [0, 0, 0]}, {name: ball, color: [99, 0, 0]}]\n"
        "recipes: {wide: {data: {width: 300}}, odd: {training.speed: 3}}\n"
    )
    found = failures(checks.recipes, open_subject(str(tmp_path / "toys.yaml")))
    assert len(found) == 2
    assert "data.width=300" in found[0] and "fix recipe 'wide'" in found[0]
    assert "recipe 'odd' of domain 'toys': unknown key 'training.speed'" in found[1]
    missing = subject(default_recipe="qick", recipes={"own": Recipe("own", "", {})})
    assert "has no recipe 'qick'" in failures(checks.recipes, missing)[0]


def test_step_runs_every_phase_on_a_folder_of_images(shapes):
    domain, root = (argument.partition("=")[2] for argument in shapes)
    about = open_subject(domain)
    (line,) = lines(CHECKS[-1], about)
    assert line.startswith("skip  step: ")
    about = open_subject(domain, replace(about.data, root=root))
    (line,) = lines(CHECKS[-1], about)
    assert line.startswith("ok    step: data.root: Dmain, Dreg, Gmain, Greg in ")


def test_step_rejects_non_finite_loss(shapes, monkeypatch):
    monkeypatch.setattr(
        "composegan.devkit.training_step.train_once", lambda *_: ({"Dmain": 1.0, "Gmain": float("nan")}, 0.1)
    )
    assert "Gmain: the loss is not finite" in failures(CHECKS[-1], subject())[0]


def test_faulty_domain_file_is_named_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toys.yaml").write_text("classes: [{name: ground, color: [0, 0, 0]}]\nmirror: {ground: sky}\n")
    for file in ("toys.yaml", "./toys.yaml", str(tmp_path / "toys.yaml")):
        (line,) = failures(checks.contract, open_subject(file))
        assert line.count("toys.yaml") == 1
        assert line.endswith("domain 'toys' has no class 'sky'; there are: ground")


def test_unloadable_domain_has_one_verdict(tmp_path, capsys):
    from composegan.cli import main

    (tmp_path / "bad_toys.py").write_text("plugin = 1 / 0\n")
    assert main(["check", "bad_toys", f"plugin_path={tmp_path}"]) == 2
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"FAIL  contract: {tmp_path}: bad_toys:plugin: ZeroDivisionError: division by zero"]
    assert "1 of 1 checks failed" in err


class TestFaces(DomainConformance):
    """A built-in domain, through the class that plug-in authors inherit."""

    domain = "faces"


def test_conformance_class_has_a_test_per_check():
    names = [name for name in dir(DomainConformance) if name.startswith("test_")]
    assert sorted(names) == sorted(f"test_{check.__name__}" for check in CHECKS)


def test_conformance_class_fails_and_skips_with_verdict_lines():
    class Wrong(DomainConformance):
        _subject = subject(spoiled(broken))

    with pytest.raises(pytest.fail.Exception, match="FAIL  images: "):
        Wrong().test_images()

    class Empty(DomainConformance):
        _subject = subject(None)

    with pytest.raises(pytest.skip.Exception, match="skip  step: "):
        Empty().test_step()
