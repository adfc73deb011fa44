"""Properties of every demo that a plug-in draws."""

import pickle

import numpy as np
import pytest

from composegan.data import check_sample
from composegan.plugins import cars, cityscapes, faces
from tests.helpers import run_python

DEMOS = {
    "micah": (faces.spec, faces.draw_avatars),
    "avataaars": (faces.spec, faces.draw_avataaars),
    "cityscapes": (cityscapes.spec, cityscapes.draw_streets),
    "cityscapes16": (cityscapes.spec16, cityscapes.draw_streets16),
    "cars": (cars.spec, cars.DrawnCars),
}


@pytest.fixture(params=DEMOS)
def demo(request):
    """(domain, function that makes the demo)."""
    return DEMOS[request.param]


def same(one, other):
    return (one.image == other.image).all() and (one.labels == other.labels).all() and one.name == other.name


def test_plugins_draw_these_demos():
    assert faces.plugin.demo is faces.draw_avatars and faces.plugin.demos == {"avataaars": faces.draw_avataaars}
    assert cars.plugin.demo is cars.DrawnCars
    assert cityscapes.plugin.demo is cityscapes.draw_streets and cityscapes.plugin16.demo is cityscapes.draw_streets16


def test_sample_depends_on_seed_and_index_only(demo):
    """Neither on `count` nor on what was drawn before, also after pickling."""
    _, draw = demo
    source, other = draw(8, 24, 40, seed=3), draw(100, 24, 40, seed=3)
    other[5]
    data = pickle.dumps(other)
    assert len(data) < 60_000  # without rendered layers
    for index in (7, 0):
        assert same(source[index], other[index]) and same(source[index], pickle.loads(data)[index])
    assert (source[0].image != source[1].image).any()
    assert (draw(8, 24, 40, seed=4)[0].image != source[0].image).any()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (16, 128), (33, 20)])
def test_samples_are_valid_at_any_size(demo, height, width):
    spec, draw = demo
    sample = check_sample(draw(2, height, width, seed=0)[1], len(spec.classes))
    assert sample.image.shape == (3, height, width) and sample.image.dtype == np.uint8
    assert sample.image.flags.c_contiguous and sample.labels.dtype == np.uint8


@pytest.mark.parametrize("index", [3, -1])
def test_index_out_of_range_raises(demo, index):
    with pytest.raises(IndexError, match=f"{index} of 3"):
        demo[1](3, 16, 32, seed=0)[index]


@pytest.mark.parametrize(("spec", "least"), [(faces.spec, 50), (cars.spec, 35)], ids=["faces", "cars"])
def test_class_colours_are_distinguishable(spec, least):
    colors = np.array(spec.colors, float)
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=-1) + 999 * np.eye(len(colors))
    assert distance.min() > least


def test_plugins_import_no_heavy_library(tmp_path):
    heavy = {"torch", "dicebear", "resvg_py"}
    names = ", ".join(f"composegan.plugins.{name}" for name in ("cars", "cityscapes", "faces"))
    code = f"import sys, {names}; print(sorted({heavy} & set(sys.modules)))"
    assert run_python("-c", code, cwd=tmp_path).stdout.strip() == "[]"
