"""`composegan look`, what `prepare` writes beside a pack, and what `fit` says at its start."""

import csv

from composegan.cli import main


def test_look_prints_table_and_warnings_and_writes_both(shapes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [*shapes, f"data.cache={tmp_path}", "data.height=64", "data.width=32", "training.augment=0"]
    assert main(["look", *given]) == main(["look", *given]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("shapes: ") and "at 64x32, 2,048 pixels each:" in out[0]
    assert any(line.startswith("warning: data.root: ") and "pictures are few" in line for line in out)
    assert out[-1] == "wrote results/look-shapes-2; look at results/look-shapes-2/look.png"
    assert sorted(path.name for path in (tmp_path / "results/look-shapes").iterdir()) == ["look.csv", "look.png"]
    with (tmp_path / "results/look-shapes/look.csv").open() as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["ground", "ball", "glass"]
    assert main(["look", *given, "out=results/look-shapes"]) == 2
    assert "out=results/look-shapes: exists" in capsys.readouterr().err


def test_prepare_writes_sheet_and_table_beside_the_pack(shapes, tmp_path, capsys):
    size = ["data.height=16", "data.width=16", f"data.cache={tmp_path / 'cache'}"]
    assert main(["prepare", *shapes, *size, f"out={tmp_path / 'pack'}"]) == 0
    assert {"look.csv", "look.png"} <= {path.name for path in (tmp_path / "pack").iterdir()}
    assert "ground" in capsys.readouterr().out


def test_look_refuses_what_fit_refuses(shapes, capsys):
    assert main(["look", shapes[0], "data.root=/nowhere"]) == 2
    assert "/nowhere: does not exist" in capsys.readouterr().err
