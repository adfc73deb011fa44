"""The network of published scores, with random weights in a file of the same format."""

import builtins
import pickle

import pytest
import torch

from composegan.errors import UserError
from composegan.metrics.inception import CHANNELS, URL, WEIGHTS, Inception, find_weights
from tests.helpers import refused


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of seeded weights in torch-fidelity's format, and their network."""
    published = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        patch.setattr(published.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr(published, "load_state_dict_from_url", lambda *_, **__: {})
        network = published.FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    path = tmp_path_factory.mktemp("weights") / WEIGHTS
    torch.save(network.state_dict(), path)
    return path, network


def test_inception_equals_torch_fidelity(weights):
    path, published = weights
    images = torch.randint(0, 256, (2, 3, 40, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours = Inception(path)
    features = ours.features(images)
    expected, logits = published(images)
    assert features.shape == (2, CHANNELS) and features.std() > 0
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(ours.logits(features), logits)


def test_find_weights(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    line = refused(find_weights)
    assert str(tmp_path / "checkpoints" / WEIGHTS) in line and URL in line
    with pytest.raises(UserError, match="^inception=none.pth: there is no such file; download"):
        find_weights("none.pth")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / WEIGHTS).hardlink_to(weights[0])
    assert find_weights() == tmp_path / "checkpoints" / WEIGHTS
    assert find_weights(weights[0]) == weights[0]


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


OTHER = f"is damaged or not the file {WEIGHTS}"


@pytest.mark.parametrize(
    ("content", "fault"),
    [({"a": torch.zeros(2)}, OTHER), ({"evil": Evil()}, "cannot be read .it holds '__builtin__.exec'"), (None, OTHER)],
)
def test_inception_refuses_another_file(content, fault, tmp_path):
    pytest.importorskip("torch_fidelity")
    path = tmp_path / "other.pth"
    path.write_bytes(b"nothing") if content is None else torch.save(content, path, pickle_module=pickle)
    with pytest.raises(UserError, match=f"^inception={path}: {fault}"):
        Inception(path)


def test_inception_names_the_missing_package(tmp_path, monkeypatch):
    importing = builtins.__import__

    def without(name, *rest, **named):
        if name.startswith("torch_fidelity"):
            raise ImportError(name)
        return importing(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'composegan\[fid\]'"):
        Inception(tmp_path / "weights.pth")
