"""A wheel and an editable install, each in a fresh environment, used from another folder."""

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import composegan

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[1]

LOADS = """
import composegan.domain_files, composegan.plugins, composegan.plugins.faces
from importlib.resources import files
from composegan.plugin.recipes import common_recipes
from composegan.plugin.domain_file import read_domain_file
print(composegan.__file__)
print(composegan.domain_files.__file__)
print(composegan.plugins.faces.__file__)
print(read_domain_file(files("composegan.domain_files") / "faces.yaml").names[0])
print("quick" in common_recipes())
"""


def run(*command, cwd):
    command = [str(word) for word in command]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture
def checkout(tmp_path):
    """A copy of the sources, so that builds neither write to the checkout nor contain stale files."""
    copy = tmp_path / "checkout"
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("composegan", "domains", "plugins"):
        shutil.copytree(CHECKOUT / name, copy / name, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy / name)
    return copy


@pytest.fixture
def fresh(tmp_path):
    """A new environment with this one's dependencies but without its composegan.

    Python searches a folder named in a .pth file for modules but ignores the .pth files inside it, such as those of
    editable installs, and its metadata comes after that of the new environment.
    """
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return tmp_path / "venv", packages


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_install_works_from_any_folder(kind, checkout, fresh, tmp_path):
    environment, packages = fresh
    python, elsewhere = environment / "bin" / "python", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    if kind == "wheel":
        run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, checkout, cwd=tmp_path)
        what = [next(tmp_path.glob("composegan-*.whl"))]
    else:
        what = ["--no-build-isolation", "--editable", checkout]
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", *what, cwd=elsewhere)

    home = packages if kind == "wheel" else checkout
    core, domains, faces, first_class, recipes = run(python, "-c", LOADS, cwd=elsewhere).splitlines()
    for file in (core, domains, faces):
        assert Path(file).is_relative_to(home), f"{file} does not belong to this install"
    assert (first_class, recipes) == ("background", "True")

    table = run(environment / "bin" / "composegan", "domains", cwd=elsewhere).splitlines()
    assert [line.split() for line in table if line.startswith("faces")] == [
        ["faces", "13", "composegan", composegan.__version__, "ok"]
    ]
    models = run(environment / "bin" / "composegan", "models", cwd=elsewhere).splitlines()
    assert "faces" in [line.split()[0] for line in models]
    assert run(environment / "bin" / "composegan", "models", "faces", cwd=elsewhere).startswith("# faces\n")
    run(environment / "bin" / "composegan", "new", "pets", "classes=cat", cwd=elsewhere)
    assert (elsewhere / "composegan-pets" / "composegan_pets" / "demo.py").is_file()
    # No import name but composegan: neither `plugins` nor `domains` leaks.
    folders = {path.name for path in packages.iterdir() if path.is_dir()}
    assert {name for name in folders if not name.endswith(".dist-info")} <= {"composegan", "__pycache__"}
