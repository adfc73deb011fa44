"""What tests of several folders share and that needs no fixture."""

import os
import re
import signal
import subprocess
import sys
from math import nan

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from composegan.errors import UserError


def code_blocks(page, language):
    """The code blocks of a page in a language, each with the file name that stands before it, or ""."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"(?:`([\w./]+)`:\n\n)?```{language}\n(.*?)```", text, re.DOTALL)


def commands_of(page):
    """The words of each `composegan` command on a page, without the first."""
    lines = [line for _, block in code_blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [line.partition("#")[0].split()[1:] for line in lines if line.startswith("composegan ")]


def run_python(*words, cwd, timeout=60):
    """Python in another process, outside the checkout: (returncode, stdout, stderr) as attributes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


class Watching(TorchDispatchMode):
    """Calls `look(function, results)` after every operation of torch, with the tensors that came out of it."""

    def __init__(self, look):
        super().__init__()
        self.look = look

    def __torch_dispatch__(self, function, types, given=(), settings=None):
        result = function(*given, **(settings or {}))
        self.look(function, [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)])
        return result


class Killed(BaseException):
    """An exception that is not caught anywhere."""


def refused(call, *given, **named):
    """The error of a call, which must be a UserError of one line."""
    with pytest.raises(UserError) as caught:
        call(*given, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def last(run):
    """The newest checkpoint of a run."""
    from composegan.runs.checkpoint import read

    return read(run / "checkpoints" / "last.pt")


@torch.no_grad()
def nan_weight(step):
    step.generator.local.weight[0, 0, 0, 0] = nan


def terminate(*given):
    signal.raise_signal(signal.SIGTERM)
