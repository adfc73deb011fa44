"""Checkpoints: written atomically, and nothing is unpickled but tensors and plain values."""

import copy
import errno
import math
import os
import pickle
import random
import zipfile
from contextlib import suppress

import pytest
import torch

from composegan.errors import UserError
from composegan.runs import checkpoint
from composegan.training.moments import load_moments
from tests.helpers import refused

FACTS = {"optimizers": [], "domain": "shapes", "classes": ["ground"], "best": 0.5}


def state(seen):
    return {"images_seen": seen, "networks": {"weight": torch.full((500,), float(seen))}, **FACTS}


def seen(path):
    return checkpoint.read(path)["images_seen"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_read_returns_what_was_saved(tmp_path):
    path = checkpoint.save(tmp_path / "checkpoints", state(8))
    read = checkpoint.read(path)
    assert torch.equal(read.pop("networks")["weight"], torch.full((500,), 8.0))
    assert read == {"images_seen": 8, **FACTS}


def test_strides_are_kept(tmp_path):
    """Fused Adam takes it that a parameter and its moments lie in memory in the same order."""
    weight = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    path = checkpoint.save(tmp_path, {**state(1), "networks": {"weight": weight}})
    assert checkpoint.read(path)["networks"]["weight"].stride() == weight.stride()


def test_previous_and_best_are_kept(tmp_path):
    for count, best in ((2, True), (4, False), (6, False)):
        checkpoint.save(tmp_path, state(count), best=best)
    assert [seen(tmp_path / name) for name in ("last.pt", "previous.pt", "best.pt")] == [6, 4, 2]
    checkpoint.save(tmp_path, state(8), best=True)
    assert [seen(tmp_path / name) for name in ("last.pt", "previous.pt", "best.pt")] == [8, 6, 8]
    assert names(tmp_path) == ["best.pt", "last.pt", "previous.pt"]


def test_checkpoint_is_flushed_before_it_is_renamed(tmp_path, moves):
    """The order of flushing and renaming is tests/io/test_atomic.py's; here, that torch has written everything."""
    size = checkpoint.save(tmp_path, state(2)).stat().st_size
    assert ("flush", size) in [(kind, flushed) for kind, _, flushed in moves]


def test_files_are_copied_without_hard_links(tmp_path, monkeypatch):
    def no_link(*paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    for count in (2, 4):
        checkpoint.save(tmp_path, state(count), best=True)
    assert [seen(tmp_path / name) for name in ("last.pt", "previous.pt", "best.pt")] == [4, 2, 4]


@pytest.mark.parametrize("stopped_after", range(8))
def test_kill_between_any_two_renames_leaves_a_readable_checkpoint(tmp_path, monkeypatch, stopped_after):
    """The moves are those of names; nothing is written under a name that is read."""
    for count in (2, 4):
        checkpoint.save(tmp_path, state(count))
    done = []

    class Killed(BaseException):
        pass

    def counted(move):
        def moved(*paths, **settings):
            if len(done) == stopped_after:
                raise Killed
            done.append(move)
            return move(*paths, **settings)

        return moved

    with monkeypatch.context() as patch, pytest.raises((Killed, StopIteration)):
        for name in ("link", "replace", "rename"):
            patch.setattr(os, name, counted(getattr(os, name)))
        checkpoint.save(tmp_path, state(6), best=True)
        raise StopIteration
    renamed = stopped_after >= 4  # after two links and the best one's name
    assert checkpoint.read_newest(tmp_path)[0]["images_seen"] == (6 if renamed else 4)
    kept = seen(tmp_path / "last.pt"), seen(tmp_path / "previous.pt")
    assert kept == ((4, 2) if not renamed else (6, 2) if stopped_after == 4 else (6, 4))  # never one file twice
    if renamed:  # nobody comes here again to make it the best
        assert seen(tmp_path / "best.pt") == 6


def test_early_checkpoint_is_replaced(tmp_path):
    """A rollback goes to the checkpoint that an uninterrupted run would have."""

    def files():
        return [seen(tmp_path / name) for name in ("last.pt", "previous.pt") if (tmp_path / name).exists()]

    def regular():
        found = checkpoint.read_regular(tmp_path)
        return found and (found[0]["images_seen"], found[1].name)

    assert regular() is None
    checkpoint.save(tmp_path, {**state(0), "early": True})
    assert regular() is None
    checkpoint.save(tmp_path, {**state(1), "early": True}, instead=True)
    assert files() == [1, 0] and regular() is None
    checkpoint.save(tmp_path, state(2), instead=True)
    assert files() == [2, 0] and regular() == (2, "last.pt")
    checkpoint.save(tmp_path, {**state(3), "early": True})
    assert files() == [3, 2] and regular() == (2, "previous.pt")
    checkpoint.save(tmp_path, {**state(4), "early": True}, instead=True)
    assert files() == [4, 2] and regular() == (2, "previous.pt")
    (tmp_path / "previous.pt").write_bytes(b"damaged")
    assert regular() == (4, "last.pt")


def test_unreachable_folder_is_not_taken_for_an_empty_one(tmp_path):
    (tmp_path / "checkpoints").symlink_to(tmp_path / "disk")
    with pytest.raises(UserError, match="checkpoints: leads to .*disk, which does not exist; is a disk not mounted"):
        checkpoint.read_newest(tmp_path / "checkpoints")


@pytest.mark.parametrize("size", [0, 100, 1500])
def test_full_disk_leaves_existing_files(tmp_path, full_disk, size):
    for count in (2, 4):
        checkpoint.save(tmp_path, state(count))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with full_disk(size), pytest.raises(UserError) as caught:
        checkpoint.save(tmp_path, state(6), best=True)
    line = f"{tmp_path / 'last.pt'}: cannot be written (no space left on the disk); last.pt is unchanged"
    assert str(caught.value) == line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_bugs_are_not_reported_as_a_full_disk(tmp_path):
    with pytest.raises(AttributeError):
        checkpoint.save(tmp_path, {"images_seen": lambda: None})
    assert names(tmp_path) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return checkpoint.save(tmp_path_factory.mktemp("whole"), state(8)).read_bytes()


def refusal(path):
    """The error of reading a checkpoint without the name of its file."""
    name, _, reason = refused(checkpoint.read, path).partition(": ")
    assert name == str(path)
    return reason


@pytest.mark.parametrize("part", [0, 1, 30, 0.2, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(tmp_path, whole, part):
    path = tmp_path / "last.pt"
    path.write_bytes(whole[: part if isinstance(part, int) else int(part * len(whole))])
    assert refusal(path).startswith("is damaged or not a checkpoint of composegan (")


def test_damaged_byte_is_refused_or_harmless(tmp_path, whole):
    """Whatever it hits: a weight is never read as another."""
    draws, path, told = random.Random(0), tmp_path / "last.pt", 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[draws.randrange(len(whole))] ^= 1 << draws.randrange(8)
        path.write_bytes(damaged)
        try:
            read = checkpoint.read(path)
        except UserError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            told += 1
        else:
            assert torch.equal(read["networks"]["weight"], torch.full((500,), 8.0))
    assert told > 120


@pytest.mark.parametrize("content", [b"garbage" * 99, b"\x80\x04.", b"PK\x03\x04" + bytes(400), pickle.dumps([1, 2])])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    assert refusal(tmp_path / "last.pt").startswith("is damaged or not a checkpoint")


@pytest.mark.parametrize("content", [[1, 2], {"images_seen": 3}, {"g_ema": {}, "args": {}}])
def test_foreign_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    assert refusal(tmp_path / "last.pt").startswith("is damaged or not a checkpoint of composegan (")


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", [torch.save, lambda bomb, path: path.write_bytes(pickle.dumps(bomb))])
def test_nothing_is_executed(tmp_path, write):
    path, target = tmp_path / "last.pt", tmp_path / "exploded"
    write(Bomb(target), path)
    with pytest.raises(UserError, match="last.pt: .* .*mkdir|last.pt: is damaged or not a checkpoint of composegan"):
        checkpoint.read(path)
    assert not target.exists()
    with suppress(RuntimeError):
        torch.load(path, weights_only=False)
    assert target.exists()  # it would have been


def test_read_newest_skips_damaged_checkpoints(tmp_path):
    assert checkpoint.read_newest(tmp_path) is None
    for count in (2, 4):
        checkpoint.save(tmp_path, state(count))
    last, previous = tmp_path / "last.pt", tmp_path / "previous.pt"
    read, path, note = checkpoint.read_newest(tmp_path)
    assert (read["images_seen"], path, note) == (4, last, None)
    last.write_bytes(b"")
    read, path, note = checkpoint.read_newest(tmp_path)
    assert (read["images_seen"], path) == (2, previous)
    assert note.startswith(f"{last}: is damaged or not a checkpoint of composegan (")
    assert note.endswith("; continuing from previous.pt")
    last.unlink()
    assert checkpoint.read_newest(tmp_path)[1:] == (previous, None)
    previous.write_bytes(b"")
    with pytest.raises(UserError, match=f"^{previous}: is damaged or not a checkpoint of composegan"):
        checkpoint.read_newest(tmp_path)


def test_damaged_last_checkpoint_does_not_replace_previous(tmp_path):
    for count in (2, 4):
        checkpoint.save(tmp_path, state(count))
    whole = (tmp_path / "last.pt").read_bytes()
    for number, content in enumerate([whole[:-9], b"", whole.replace(b"\0\0\x80@", b"\0\0\x81@"), b"garbage"]):
        (tmp_path / "last.pt").write_bytes(content)
        checkpoint.save(tmp_path, state(6 + number))
        assert (seen(tmp_path / "last.pt"), seen(tmp_path / "previous.pt")) == (6 + number, 2)
    torch.save({**state(9), "networks": {"weight": torch.tensor([math.nan])}}, tmp_path / "last.pt")
    assert checkpoint.read_newest(tmp_path)[1] == tmp_path / "previous.pt"
    torch.save({"images_seen": 99}, tmp_path / "last.pt")  # sound, but not a checkpoint
    checkpoint.save(tmp_path, state(10), instead=True)
    assert (seen(tmp_path / "last.pt"), seen(tmp_path / "previous.pt")) == (10, 2)
    checkpoint.save(tmp_path, state(12))
    assert (seen(tmp_path / "last.pt"), seen(tmp_path / "previous.pt")) == (12, 10)


def test_last_checkpoint_is_read_back_only_if_it_changed_or_may_be_refused(tmp_path, monkeypatch):
    asked, is_readable = [], checkpoint._is_readable
    monkeypatch.setattr(checkpoint, "_is_readable", lambda path: asked.append(path.name) or is_readable(path))
    for count in (2, 4):
        last = checkpoint.save(tmp_path, state(count))
    assert asked == []
    content = last.read_bytes()
    status = last.stat()
    last.write_bytes(content.replace(b"\0\0\x80@", b"\0\0\x81@"))
    os.utime(last, ns=(status.st_atime_ns, status.st_mtime_ns))
    checkpoint.save(tmp_path, {**state(6), "networks": {"weight": torch.tensor([math.nan])}})
    assert asked == ["last.pt"] and seen(tmp_path / "previous.pt") == 2
    checkpoint.save(tmp_path, state(8))  # nan is refused
    assert asked == ["last.pt"] * 2 and [seen(tmp_path / name) for name in ("last.pt", "previous.pt")] == [8, 2]


def test_damaged_last_checkpoint_is_replaced_where_there_is_no_other(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"garbage")
    checkpoint.save(tmp_path, state(2), best=True)
    assert names(tmp_path) == ["best.pt", "last.pt"] and seen(tmp_path / "last.pt") == 2


NOT_WHOLE = ("8", None, 1.5, -1, True, torch.tensor(8), [8], 2**60)
NOT_TEXT = (None, 3, ["a"], torch.zeros(2))
NOT_FLAGS = (1, None, "on", torch.tensor(True), torch.zeros(2))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        *[(key, NOT_WHOLE) for key in ("images_seen", "skipped", "tries", "data", "world", "parts")],
        *[(key, NOT_TEXT) for key in ("domain", "best_of")],
        *[(key, NOT_FLAGS) for key in ("early", "shown")],
        ("best", (None, "nan", float("nan"), torch.tensor(1.0), -(10**301))),
        ("classes", (None, "ground", [None], ("ground",), [["ground"]])),
        ("networks", ([], {"weight": [1.0]}, {"weight": torch.zeros(2).int()}, {3: torch.zeros(1)})),
        ("networks", [{"weight": torch.tensor([1.0, value])} for value in (math.nan, math.inf, -math.inf)]),
        ("optimizers", (None, {}, [None], [{}], [{"state": []}], [{"state": {"0": {}}}], [{"state": {0: {}}}])),
        ("guard", (None, [], {"sums": [1]}, {"sums": {"a": 1.0}}, {"steps": {"a": 0}}, {"usual": {"a": [None]}})),
        ("grouping", (None, [0, 1], [["0"]], [[-1]], torch.zeros(2, 1), "per_class")),
        ("class_sets", ([], {}, {"sets": [[1]], "counts": [1]}, {"sets": torch.ones(1, 1)})),
        ("figures", (None, {"a": 1.0}, {"a": torch.zeros(2)}, {"a": "1"}, {1: torch.zeros(())})),
    ],
)
def test_value_of_another_type_is_refused(tmp_path, key, values):
    for value in values:
        torch.save({**state(8), key: value}, tmp_path / "last.pt")
        with pytest.raises(UserError, match=f"last.pt: is damaged or not a checkpoint of composegan .{key}"):
            checkpoint.read(tmp_path / "last.pt")


@pytest.mark.parametrize("key", [key for key in checkpoint.SCHEMA if not key.endswith("?")])
def test_missing_value_is_refused(tmp_path, key):
    torch.save({name: value for name, value in state(8).items() if name != key}, tmp_path / "last.pt")
    with pytest.raises(UserError, match=f"the content has no '{key}'"):
        checkpoint.read(tmp_path / "last.pt")


def test_zip_bomb_is_refused(tmp_path):
    path = checkpoint.save(tmp_path, state(8))
    with zipfile.ZipFile(path) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in {**members, "archive/data/9": bytes(2**26)}.items():
            parts.writestr(name, data)
    assert refusal(path).startswith("cannot be read (it would unpack to")


def adam_of(network):
    adam = torch.optim.Adam(network.parameters(), lr=0.1)
    network(torch.ones(1, *(2, 4, 4)[: 3 if isinstance(network, torch.nn.Conv2d) else 1])).sum().backward()
    adam.step()
    return adam


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda state: state[1].update(exp_avg=torch.zeros(3)), "its exp_avg does not fit parameter 1"),
        (lambda state: state[0].update(exp_avg_sq=torch.zeros(2, 1)), "its exp_avg_sq does not fit parameter 0"),
        (lambda state: state.update({9: state[0]}), "it has moments of parameter 9, and there are 2"),
    ],
)
def test_moments_of_another_network_are_refused(spoil, said):
    network = torch.nn.Linear(2, 2)
    adam = adam_of(network)
    saved = copy.deepcopy(adam.state_dict())
    spoil(saved["state"])
    with pytest.raises(ValueError, match=said):
        load_moments(adam, saved, network)


@pytest.mark.parametrize(
    "numbers", [{"lr": [1]}, {"lr": 9.0, "amsgrad": True}, {"betas": "x", "weight_decay": 1.0}, {}]
)
def test_numbers_of_the_optimizer_are_not_read_from_the_file(numbers):
    network = torch.nn.Linear(2, 2)
    adam, fresh = adam_of(network), torch.optim.Adam(network.parameters(), lr=0.1)
    saved = copy.deepcopy(adam.state_dict())
    saved["param_groups"] = [{**saved["param_groups"][0], **numbers}] if numbers else None
    load_moments(fresh, saved, network)
    assert fresh.state_dict()["param_groups"] == adam.state_dict()["param_groups"]
    for number, moments in adam.state_dict()["state"].items():
        for part, value in moments.items():
            assert torch.equal(fresh.state_dict()["state"][number][part], value)


def test_moments_get_the_memory_order_of_the_parameters():
    network = torch.nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    adam = adam_of(network)
    saved = copy.deepcopy(adam.state_dict())
    saved["state"][0]["exp_avg"] = saved["state"][0]["exp_avg"].contiguous()
    load_moments(adam, saved, network)
    loaded = adam.state[network.weight]["exp_avg"]
    assert loaded.stride() == network.weight.stride() and torch.equal(loaded, saved["state"][0]["exp_avg"])
