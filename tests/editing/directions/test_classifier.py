"""Attributes that a timm network sees."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from composegan.editing.directions.classifier import classifier_attribute
from composegan.errors import UserError
from composegan.metrics.backbone import efficientnet_lite0

SMALL = "test_resnet"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return timm.create_model(SMALL, pretrained=False, num_classes=3).state_dict()


def test_the_bundled_network_agrees_with_its_package():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    attribute = classifier_attribute("classifier(tf_efficientnet_lite0:551)", None, CPU)
    assert attribute.kind == "tf_efficientnet_lite0-551" and not attribute.binary and attribute.subject == ""
    bundled = efficientnet_lite0()
    logits = bundled.network.classifier(bundled.features(images))
    wanted = logits.log_softmax(dim=1)[:, 551].double()
    torch.testing.assert_close(attribute.measure(images, None), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_network_with_given_weights(tmp_path, state, suffix):
    path = tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(state, path)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    values = [classifier_attribute(f"classifier({SMALL}:{i})", path, CPU).measure(images, None) for i in range(3)]
    torch.testing.assert_close(
        torch.stack(values).exp().sum(dim=0), torch.ones(2, dtype=torch.float64), atol=1e-5, rtol=0
    )
    with pytest.raises(UserError, match="has classes 0 to 2"):
        classifier_attribute(f"classifier({SMALL}:3)", path, CPU)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("classifier(resnet18)", "write it as in"),
        ("classifier(tf_efficientnet_lite:1)", "no network 'tf_efficientnet_lite'; did you mean 'tf_efficientnet_lite"),
        ("classifier(tf_efficientnet_lite0:1000)", "has classes 0 to 999"),
        (f"classifier({SMALL}:1)", "give its state dict, weights=FILE"),
    ],
)
def test_unknown_classifiers_are_refused(text, reason):
    with pytest.raises(UserError, match=reason):
        classifier_attribute(text, None, CPU)


class Foreign:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_weights_of_another_network_are_refused_and_nothing_is_executed(tmp_path, state, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign.pth").write_bytes(pickle.dumps({"fc.weight": Foreign()}, protocol=2))
    torch.save({"fc.weight": Foreign()}, tmp_path / "zipped.pth")
    (tmp_path / "text.safetensors").write_text("nothing of the kind")
    torch.save({**state, "fc.weight": torch.zeros(3, 5)}, tmp_path / "width.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    laughs = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 9
    torch.save({**state, "more": laughs}, tmp_path / "shared.pth")
    torch.save({**state, "fc.weight": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "expanded.pth")
    torch.save({name: tensor.tolist() for name, tensor in state.items()}, tmp_path / "lists.pth")
    os.mkfifo("pipe.pth")
    for name in ("foreign.pth", "zipped.pth", "text.safetensors", "width.pth", "list.pth", "none.pth", "shared.pth",
                 "expanded.pth", "lists.pth", "pipe.pth"):  # fmt: skip
        with pytest.raises(UserError, match=f"weights={name}: ") as error:
            classifier_attribute(f"classifier({SMALL}:1)", Path(name), CPU)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()
