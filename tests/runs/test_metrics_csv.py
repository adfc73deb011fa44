"""The table of a run's figures, metrics.csv."""

import csv

import pytest

from composegan.errors import UserError
from composegan.runs.group_splitter import drop_later_lines
from composegan.runs.metrics_csv import MetricsCsv


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def values(folder):
    return [tuple(row.values()) for row in rows(folder)]


def test_one_line_for_so_many_images(tmp_path):
    metrics = MetricsCsv(tmp_path, 0)
    metrics.write(8, {"loss": 0.5, "rate": 1234567.0})
    metrics.write(16, {"loss": 0.25, "rate": 1e-9})
    assert rows(tmp_path) == [
        {"images_seen": "8", "loss": "0.5", "rate": "1.23457e+06"},
        {"images_seen": "16", "loss": "0.25", "rate": "1e-09"},
    ]


def test_new_figures_get_columns_and_scores_join_the_line_of_their_step(tmp_path):
    metrics = MetricsCsv(tmp_path, 0)
    metrics.write(8, {"loss": 1})
    metrics.write(16, {"loss": 2})
    metrics.write(16, {"score": 3})
    metrics.write(16, {"score": 4})
    metrics.write(24, {"score": 5})
    assert values(tmp_path) == [("8", "1", ""), ("16", "2", "4"), ("24", "", "5")]


def test_resuming_drops_lines_past_the_checkpoint(tmp_path):
    metrics = MetricsCsv(tmp_path, 0)
    for seen in (8, 16, 24):
        metrics.write(seen, {"loss": seen})
    metrics = MetricsCsv(tmp_path, 16)
    assert values(tmp_path) == [("8", "8"), ("16", "16")]
    metrics.write(24, {"loss": 7, "score": 1})
    assert values(tmp_path) == [("8", "8", ""), ("16", "16", ""), ("24", "7", "1")]
    MetricsCsv(tmp_path, 0)
    assert rows(tmp_path) == []


@pytest.mark.parametrize("rest", ["24", "24,", "24,1", "2", "", ",,,", "\0\0\0\0", "24,1,2,3,4"])
def test_line_cut_short_by_a_kill_is_dropped(tmp_path, rest):
    metrics = MetricsCsv(tmp_path, 0)
    metrics.write(8, {"loss": 1, "score": 2})
    metrics.write(16, {"loss": 3, "score": 4})
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write(rest)
    MetricsCsv(tmp_path, 16).write(24, {"loss": 5, "score": 6})
    assert values(tmp_path) == [("8", "1", "2"), ("16", "3", "4"), ("24", "5", "6")]


def test_full_disk_is_one_line(tmp_path, full_disk):
    metrics = MetricsCsv(tmp_path, 0)
    for seen in range(50):
        metrics.write(seen, {"loss": 0.123456})
    with full_disk(100), pytest.raises(UserError) as caught:
        metrics.write(50, {"loss": 0.123456})
    assert str(caught.value) == f"{tmp_path / 'metrics.csv'}: cannot be written (no space left on the disk)"
    with full_disk(100), pytest.raises(UserError) as caught:
        metrics.write(51, {"loss": 0.1, "score": 0.2})
    assert str(caught.value).endswith("(no space left on the disk); metrics.csv is unchanged")


def test_damaged_files_of_a_run_are_read_safely(tmp_path):
    path = tmp_path / "metrics.csv"
    lines = ["images_seen,loss", "8,1", "9" * 5000 + ",1", "\u00b2,1", "16,1,2", "x", "24,3"]
    path.write_text("\n".join(lines), encoding="utf-8")
    MetricsCsv(tmp_path, 16)
    assert rows(tmp_path) == [{"images_seen": "8", "loss": "1"}]
    path.write_bytes(b"images_seen\n\xff\n")
    with pytest.raises(UserError, match="metrics.csv: cannot be read .it is not UTF-8 text"):
        MetricsCsv(tmp_path, 16)
    lines = ['{"images_seen": 8}', '{"images_seen": "8"}', "[" * 5000, "3", '{"images_seen": 99}']
    (tmp_path / "grouping.jsonl").write_text("\n".join(lines))
    drop_later_lines(tmp_path / "grouping.jsonl", 16)
    assert (tmp_path / "grouping.jsonl").read_text() == '{"images_seen": 8}\n'
