"""Ranks that torchrun or srun started, on one or several machines, and resuming with another number of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from composegan.config.schema import Config, TrainerConfig
from composegan.errors import UserError
from composegan.runs.recorder import RunRecorder
from composegan.runs.trainer import make_trainer
from composegan.runtime import ranks as processes
from tests.helpers import last

TWO = ["training.batch=4", "training.images=8", "output.score_every=0"]
SLURM = {"SLURM_JOB_ID": "71", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NODELIST": "127.0.0.1"}


def srun_on_one_machine(rank):
    return {**SLURM, "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank),
            "SLURM_NNODES": "1", "SLURM_NODEID": "0"}  # fmt: skip


def srun_on_two_machines(rank):
    return {**SLURM, "SLURM_NTASKS_PER_NODE": "1", "SLURM_PROCID": str(rank), "SLURM_LOCALID": "0",
            "SLURM_NNODES": "2", "SLURM_NODEID": str(rank)}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "settings"),
    [(None, []), (srun_on_one_machine, []), (srun_on_two_machines, ["trainer.num_nodes=2"])],
)
def test_ranks_of_torchrun_and_srun(ranks, fit, capfd, environment, settings):
    """The launchers' variables tell the ranks; `trainer.devices` is auto. Only rank 0 writes and prints."""

    def work(rank):
        run = fit(*TWO, *settings)
        return [str(run), processes.is_first_process()]

    (run, first), (_, second) = ranks(work, environment=environment)
    assert first and not second
    out, err = capfd.readouterr()
    assert out.count("2 x cpu") == out.count("done: 8 images") == 1 and "Traceback" not in err
    state = last(Path(run))
    assert (state["images_seen"], state["world"], state["parts"]) == (8, 2, 2)


@pytest.mark.parametrize(("devices", "nodes"), [("1", 1), ("2", 2), ("auto", 2)])
def test_number_of_ranks_must_match_the_launcher(monkeypatch, devices, nodes):
    """Otherwise: two runs in one folder, or an endless wait."""
    for name, value in srun_on_one_machine(0).items():
        monkeypatch.setenv(name, value)
    line = "and 2 were started, 2 on this machine; give trainer.num_nodes=1 and leave trainer.devices=auto$"
    with pytest.raises(UserError, match=line):
        make_trainer(Config(trainer=TrainerConfig(accelerator="cpu", devices=devices, num_nodes=nodes)))


def test_launched_reads_slurms_variables_except_in_a_shell(monkeypatch):
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    assert processes.launched() is None
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert processes.launched() == (4, 4)
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    assert processes.launched() is None


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_torchrun(recipe, tmp_path, nodes):
    """Two processes on one machine; and one on each of two, which here are the same one."""
    settings = [*recipe, *TWO, f"output.root={tmp_path}", f"trainer.num_nodes={nodes}"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={2 // nodes}"]
    each = [["--standalone"]]
    if nodes == 2:
        each = [[f"--node-rank={n}", "--nnodes=2", "--master-addr=127.0.0.1", "--master-port=29517"] for n in range(2)]
    started = [
        subprocess.Popen(
            [*torchrun, *options, "-m", "composegan.cli", "fit", *settings],
            cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for options in each
    ]  # fmt: skip
    told = [process.communicate(timeout=110) for process in started]
    assert [process.returncode for process in started] == [0] * len(started), told
    out = "".join(out for out, _ in told)
    assert out.count("2 x cpu") == out.count("done: 8 images") == 1
    (run,) = (tmp_path / "shapes").iterdir()
    assert last(run)["world"] == 2


def test_resuming_with_other_ranks_keeps_the_order_of_images(fit, resume, ranks, positions, capsys):
    """From one to two and back; a run says so if random draws change, and only then."""

    def in_two(rank):
        del positions[:]
        resume(run, "training.images=16", "trainer.devices=2", "trainer.accumulate=1")
        return list(positions)

    run = fit("training.batch=4", "output.score_every=0", "training.images=4", "trainer.accumulate=2")
    assert positions == [[0, 1, 2, 3]]
    capsys.readouterr()
    first, second = ranks(in_two)
    assert first == [[4, 5], [8, 9], [12, 13]] and second == [[6, 7], [10, 11], [14, 15]]
    del positions[:]
    resume(run, "training.images=24", "trainer.devices=1", "trainer.accumulate=1")
    assert positions == [[16, 17, 18, 19], [20, 21, 22, 23]]
    line = "batches were split into 2 parts (devices x trainer.accumulate), and are now into 1: the images come in the "
    assert line in capsys.readouterr().out
    del positions[:]
    resume(run, "training.images=28")
    assert positions == [[24, 25, 26, 27]] and "parts" not in capsys.readouterr().out


def test_groups_are_the_same_on_all_ranks(ranks, fit, tmp_path):
    """Chosen by each from the data, or from gradients during training."""

    def work(rank):
        ended = []
        with pytest.MonkeyPatch.context() as patch:
            end = lambda recorder, trainer, module: ended.append(module.step.plan.to_json())  # noqa: E731
            patch.setattr(RunRecorder, "on_train_end", end)
            for grouping in ("affinity:2", "progressive:2"):
                fit(*TWO, f"grouping={grouping}", "training.split_every=4", f"data.cache={tmp_path / 'cache'}")
        return ended

    one, other = ranks(work)
    assert one == other and [len(groups) for groups in one] == [2, 2]


def test_ranks_from_torchruns_variables(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert processes.of_torchrun() == (0, 1, 0)
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert processes.of_torchrun() == (3, 4, 1)
    assert processes.launched() == (4, 4)


def test_several_machines_need_a_launcher(monkeypatch):
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "LOCAL_RANK", "LSB_JOBID", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="^trainer.num_nodes=2: start the processes on all machines"):
        make_trainer(Config(trainer=TrainerConfig(accelerator="cpu", num_nodes=2)))
