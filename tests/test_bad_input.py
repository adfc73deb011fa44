"""What a user may get wrong about classes: each mistake is one line and exit status 2."""

import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

CLASSES = {"ground": [10, 10, 10], "ball": [200, 40, 40], "glass": [40, 40, 200]}


def vocabulary(path, *classes, more=""):
    lines = "".join(f"  - {{name: {name}, color: {color}}}\n" for name, color in classes)
    path.write_text(f"classes:\n{lines}{more}")
    return path


@pytest.mark.parametrize(
    ("classes", "more", "said"),
    [
        ([("a", [1, 1, 1]), ("a", [2, 2, 2])], "", "class name a is used more than once"),
        ([("a", [1, 1, 1]), ("b", [1, 1, 1])], "", r"class color \(1, 1, 1\) is used more than once"),
        ([("a", [1, 1, 1])], "foreign:\n  ids:\n    7: a\n    7: a\n", ", line 6: '7' is given twice"),
        ([("a", [1, 1, 1])], "foreign:\n  ids:\n    7: a\n    0x7: a\n", r", line 6: '0x7' is given twice \(as 7\)"),
        ([("a", [1, 1, 1])], "foreign: {parts: [{part: x, class: a}, {part: x, class: b}]}\n",
         r"foreign: parts\[1\]: x is given twice; it becomes one class"),
        ([("a", [1, 1, 1])], "classes: []\n", "'classes' is given twice"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["fit", "plan"])
def test_a_domain_file_with_duplicates_is_refused(error_line, tmp_path, verb, classes, more, said):
    path = vocabulary(tmp_path / "pets.yaml", *classes, more=more)
    line = error_line(verb, f"domain={path}", "recipe=quick")
    assert line.startswith(str(path)) and re.search(said, line)


@pytest.mark.parametrize(
    ("grouping", "said"),
    [
        ("[[ground,ball,glass],[]]", "grouping: a group is empty; each needs at least one class"),
        ("[[ground,ball],[ball,glass]]", "grouping: class 'ball' is given twice; each belongs to exactly one group"),
        ("[[ground,ball]]", "grouping: no group has 'glass'; each class belongs to one"),
        ("[[ground,ball,glas]]", "grouping: there is no class 'glas'; did you mean 'glass'?"),
        ("[[sky],[road,car]]", "grouping: is a plan for other classes (sky, road, car); these are ground, ball, glass"),
    ],
)
@pytest.mark.parametrize("verb", ["fit", "plan"])
def test_groups_that_do_not_partition_the_classes_are_refused(error_line, recipe, tmp_path, verb, grouping, said):
    given = [verb, *recipe, f"grouping={grouping}", f"output.root={tmp_path / 'runs'}"]
    assert error_line(*given) == said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("grouping", "longer", "other"),
    [
        ("per_class", "checkpoints/last.pt: was trained on other classes (ground, ball, glass); the domain has ",
         "checkpoints/last.pt: was trained on other classes (ground, ball, glass); the domain has "),
        ("[[ground,glass],[ball]]", "config.yaml: grouping: no group has 'cat'; each class belongs to one",
         "config.yaml: grouping: is a plan for other classes (ground, glass, ball); these are sky, road, car"),
    ],
)  # fmt: skip
def test_a_run_whose_domain_has_changed_is_refused(error_line, fit, grouping, longer, other):
    """One more class, and other classes: neither is trained on."""
    run = fit("training.images=4", f"grouping={grouping}")
    (copy,) = (run / "domain").glob("*.yaml")
    vocabulary(copy, *CLASSES.items(), ("cat", [5, 5, 5]))
    assert error_line("fit", f"run={run}", "training.images=8").startswith(f"{run}/{longer}")
    vocabulary(copy, ("sky", [1, 1, 1]), ("road", [2, 2, 2]), ("car", [3, 3, 3]))
    assert error_line("fit", f"run={run}", "training.images=8").startswith(f"{run}/{other}")


@pytest.mark.parametrize(
    ("sets", "counts", "said"),
    [
        ([[1, 1, 0], [0, 0, 0]], [3, 1], "a class set is empty; a picture has at least one class"),
        ([[1, 1, 0], [1, 0, 0]], [3, 0], "the count of every class set must be finite and above 0"),
        ([[1, 1, 0]], [1, 2], "class sets of shape"),
        ([[1, 1]], [1], "class sets of 2 classes, not 3"),
    ],
)
def test_class_sets_that_do_not_fit_a_model_are_refused(error_line, whole_run, tmp_path, sets, counts, said):
    shutil.copytree(whole_run / "model", tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    tensors = {"class_sets.sets": torch.tensor(sets, dtype=torch.uint8), "class_sets.counts": torch.tensor(counts)}
    save_file({**load_file(file), **tensors}, file)
    line = error_line("sample", f"model={tmp_path / 'model'}", "n=1", f"out={tmp_path / 'out'}")
    assert line.startswith(f"{file}: is damaged or not weights of this model ({said}")


def test_removing_all_classes_is_refused(error_line, whole_run, tmp_path):
    line = error_line("sample", f"run={whole_run}", "n=1", "classes=-ground,-ball,-glass", f"out={tmp_path / 'out'}")
    assert line == "picture 0 would have no classes left; keep at least one"
    assert not (tmp_path / "out").exists()


def test_a_model_with_two_classes_of_one_name_is_refused(error_line, whole_run, tmp_path):
    shutil.copytree(whole_run / "model", tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    facts = json.loads(file.read_text())
    facts["classes"][1]["name"] = facts["classes"][0]["name"]
    file.write_text(json.dumps(facts))
    line = error_line("sample", f"model={tmp_path / 'model'}", "n=1", f"out={tmp_path / 'out'}")
    reason = "class name ground is used more than once"
    assert line.startswith(f"{file}: is damaged or not a model's configuration (") and reason in line
