import csv

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from composegan.errors import UserError
from composegan.runs.group_splitter import drop_later_lines
from composegan.runs.run_log import RunLog


@pytest.fixture
def log(tmp_path):
    """(images seen so far) -> the log of the run in tmp_path; each is closed when the next is opened."""
    opened = []

    def open_log(images_seen=0):
        for earlier in opened:
            earlier.close()
        opened.append(RunLog(tmp_path, images_seen))
        return opened[-1]

    yield open_log
    for each in opened:
        each.close()


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_for_so_many_images(log, tmp_path):
    run = log()
    run.write(8, {"loss": 0.5, "rate": 1234567.0})
    run.write(16, {"loss": 0.25, "rate": 1e-9})
    lines = [
        {"images_seen": "8", "loss": "0.5", "rate": "1.23457e+06"},
        {"images_seen": "16", "loss": "0.25", "rate": "1e-09"},
    ]
    assert rows(tmp_path) == lines


def test_a_new_figure_is_a_new_column_and_a_missing_one_is_left_empty(log, tmp_path):
    run = log()
    run.write(8, {"loss": 1})
    run.write(16, {"score": 3})
    run.write(24, {"loss": 2})
    assert [(row["loss"], row["score"]) for row in rows(tmp_path)] == [("1", ""), ("", "3"), ("2", "")]


def test_resuming_drops_what_came_after_the_checkpoint(log, tmp_path):
    run = log()
    for seen in (8, 16, 24):
        run.write(seen, {"loss": seen})
    run = log(images_seen=16)
    assert [row["images_seen"] for row in rows(tmp_path)] == ["8", "16"]
    run.write(24, {"loss": 7, "score": 1})
    assert [(row["images_seen"], row["loss"]) for row in rows(tmp_path)] == [("8", "8"), ("16", "16"), ("24", "7")]
    log(images_seen=0)
    assert rows(tmp_path) == []


@pytest.mark.parametrize("rest", ["24", "24,", "24,1", "2", "", ",,,", "\0\0\0\0", "24,1,2,3,4"])
def test_a_line_that_was_cut_short_is_dropped(log, tmp_path, rest):
    """A kill or a power cut in the middle of a line, which is always one after the last checkpoint."""
    run = log()
    run.write(8, {"loss": 1, "score": 2})
    run.write(16, {"loss": 3, "score": 4})
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write(rest)
    run = log(images_seen=16)
    run.write(24, {"loss": 5, "score": 6})
    assert [tuple(row.values()) for row in rows(tmp_path)] == [("8", "1", "2"), ("16", "3", "4"), ("24", "5", "6")]


def test_tensorboard_has_the_same_figures_and_the_pictures(log, tmp_path):
    run = log()
    for seen in (8, 16, 24):
        run.write(seen, {"loss": seen})
    run.picture(24, np.zeros((4, 6, 3), np.uint8))
    run = log(images_seen=16)
    run.write(24, {"loss": 7})
    run.close()
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [(8, 8), (16, 16), (24, 7)]


def test_a_line_that_is_there_is_added_to(log, tmp_path):
    """Scores come when the figures of their step are written already."""
    run = log()
    run.write(8, {"loss": 1})
    run.write(16, {"loss": 2})
    run.write(16, {"score": 3})
    run.write(16, {"score": 4})
    run.write(24, {"loss": 5})
    assert [tuple(row.values()) for row in rows(tmp_path)] == [("8", "1", ""), ("16", "2", "4"), ("24", "5", "")]


def test_tensorboard_has_nothing_twice_of_a_run_that_began_again(log, tmp_path):
    run = log()
    run.picture(0, np.zeros((4, 6, 3), np.uint8))
    run.write(8, {"loss": 1})
    run = log()
    run.write(8, {"loss": 2})
    run.close()
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [(8, 2)]


def test_a_full_disk_is_one_line(log, tmp_path, full_disk):
    run = log()
    for seen in range(50):
        run.write(seen, {"loss": 0.123456})
    with full_disk(100), pytest.raises(UserError) as caught:
        run.write(50, {"loss": 0.123456})
    assert str(caught.value) == f"{tmp_path / 'metrics.csv'}: cannot be written (no space left on the disk)"
    with full_disk(100), pytest.raises(UserError) as caught:
        run.write(51, {"loss": 0.1, "score": 0.2})
    assert str(caught.value).endswith("(no space left on the disk); metrics.csv is unchanged")


def test_a_full_disk_is_told_for_tensorboard_too(tmp_path, full_disk):
    run = RunLog(tmp_path, 0)
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    with full_disk(5000), pytest.raises(UserError, match=f"^{tmp_path / 'tensorboard'}: cannot be written .no space"):
        for seen in range(100):
            run.picture(seen, noise)
        run.close()


def test_what_stands_in_a_runs_own_files_is_not_believed(tmp_path):
    path = tmp_path / "metrics.csv"
    lines = ["images_seen,loss", "8,1", "9" * 5000 + ",1", "\u00b2,1", "16,1,2", "x", "24,3"]
    path.write_text("\n".join(lines), encoding="utf-8")
    RunLog(tmp_path, 16).close()
    assert rows(tmp_path) == [{"images_seen": "8", "loss": "1"}]
    path.write_bytes(b"images_seen\n\xff\n")
    with pytest.raises(UserError, match="metrics.csv: cannot be read .it is not UTF-8 text"):
        RunLog(tmp_path, 16)
    lines = ['{"images_seen": 8}', '{"images_seen": "8"}', "[" * 5000, "3", '{"images_seen": 99}']
    (tmp_path / "grouping.jsonl").write_text("\n".join(lines))
    drop_later_lines(tmp_path / "grouping.jsonl", 16)
    assert (tmp_path / "grouping.jsonl").read_text() == '{"images_seen": 8}\n'
