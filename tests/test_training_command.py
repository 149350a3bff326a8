"""The command that trains: alone, as one of several processes, and after a kill.

Each training is a process of its own, so several facts share one.
"""

import json
import signal
import socket
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import psutil
import pytest
import small_study
import waiting

from irlib import checkpoints, runs
from irlib.notebooks.parameters import parameters_of
from irlib.parallel.starting import Place
from irlib.training import __main__ as command
from irlib.training import asking, joining, status
from irlib.training.attaching import TrainingError
from irlib.training.history import read_history
from irlib.training.launching import launch
from irlib.training.task import Task

NOTEBOOK = runs.ROOT / "notebooks/02_train.ipynb"
# steps so small that rounding does not grow: at the study's own rate 1e-7 becomes 1e-3 in a step
GENTLE = {"lr": 1e-4, "log_every": 1}
LONG = {**GENTLE, "epochs": 40, "save_every": 2}
SECONDS_TO_END = 60


wait_until = partial(waiting.wait_until, seconds=SECONDS_TO_END)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The data of a small smoke study, as notebook 01 leaves them."""
    home = tmp_path_factory.mktemp("training")
    small_study.prepare(home)
    return home


def run_folder(home, outputs, overrides=None):
    """The run folder of a training that nobody has started, with the record that asks for it."""
    given = {"notebook": "02_train", "method": "arcface", "overrides": overrides}
    return small_study.run_folder(home, outputs, "train-arcface-s1", **given)


def losses(folder):
    return [line["id_loss"] for line in read_history(folder) if "id_loss" in line]


@pytest.fixture(scope="module")
def trained(home):
    """A training of one process, with the lines it told."""
    folder, told = run_folder(home, "one", GENTLE), []
    training = launch(folder)
    about = training.about()
    record = training.follow(told.append)
    return SimpleNamespace(folder=folder, about=about, record=record, told=told)


def test_a_training_leaves_its_history_and_its_weights(trained):
    # 114 images: four batches of 32 an epoch, the last one of 18, in two epochs
    steps = [line["step"] for line in read_history(trained.folder) if "id_loss" in line]
    assert steps == list(range(1, 9))
    content = checkpoints.load(trained.folder / "last.pt")
    assert (content["step"], content["model"]["method"]) == (8, "arcface")
    assert not (trained.folder / "resume").exists()


def test_its_record_says_what_it_trained_on_and_how(trained):
    record = trained.record
    assert record["status"] == status.COMPLETE
    assert (record["processes"], record["machines"], record["device"]) == (1, 1, "cpu")
    assert record["bad_images"] == []
    assert trained.about["steps"] == 8
    assert trained.about["title"] == "ArcFace"
    assert trained.about["data"]["identities"] == 12
    assert (record["parameters"]["seed"], record["data"]) == (1, "abc")
    assert trained.about["recipe"]["lr"] == 1e-4
    assert trained.about["first_weights"]["digest"] == ""


def test_nothing_but_the_start_is_told_of_a_short_training(trained):
    assert len(trained.told) == 1
    name = trained.record["launch"]
    assert trained.told[0].endswith(f"-m irlib.training {trained.folder} --launch {name} --tied")


def test_a_finished_training_is_shown_and_not_repeated(trained):
    before = (trained.folder / "history.jsonl").read_bytes()
    weights = (trained.folder / "last.pt").stat().st_mtime_ns
    status.update(trained.folder, bad_images=["met.png"])
    record = launch(trained.folder).follow(str)
    assert (record["status"], record["bad_images"]) == (status.COMPLETE, ["met.png"])
    assert (trained.folder / "history.jsonl").read_bytes() == before
    assert (trained.folder / "last.pt").stat().st_mtime_ns == weights


def test_the_same_command_leaves_an_evaluated_run_as_it_is(capsys, trained, home):
    folder = trained.folder
    before = (folder / "run.json").read_text()
    runs.write_json(folder / "metrics.json", {"steps": 8})
    words = named(home, "one", *(f"--set={name}={value}" for name, value in GENTLE.items()))
    assert command.main([str(folder), *words]) == 0, capsys.readouterr().err
    assert (folder / "run.json").read_text() == before
    assert runs.read_json(folder / "metrics.json") == {"steps": 8}
    log = (folder / "training.log").stat().st_size
    assert status.read(folder)["log_from"] == log  # it prints to where it was started
    (folder / "metrics.json").unlink()


def test_two_processes_train_what_one_does(home, trained):
    folder = run_folder(home, "two", GENTLE)
    record = launch(folder, processes=2).follow(str)
    assert (record["processes"], record["machines"]) == (2, 1)
    assert losses(folder) == pytest.approx(losses(trained.folder), rel=1e-4)


# What is refused


def refused(capsys, *words):
    assert command.main([str(word) for word in words]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def named(home, outputs, *more):
    """The words for a training that no notebook asks for."""
    places = ["--data", str(home / "data"), "--outputs", str(home / outputs)]
    return ["--study", "smoke", "--seed", "1", "--device", "cpu", *places, *more]


def test_a_folder_without_a_record_needs_a_study(capsys, tmp_path):
    told = refused(capsys, tmp_path)
    assert told == (
        f"error: run folder {tmp_path}: expected --study, or a run.json that notebook 02 or "
        "06 has written"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "arcfase"], "unknown method 'arcfase': did you mean 'arcface'?"),
        (["--set", "lr"], "--set 'lr': expected FIELD=VALUE"),
        (["--set", "epochs=0"], "epochs is 0: expected at least 1"),
        (["--seed", "2"], "that of this training is"),
        (["--timeout", "0"], "--timeout 0: expected seconds above 0"),
        (["--device", "tpu"], "device 'tpu': expected one of"),
    ],
)
def test_a_wrong_word_is_refused_by_name(capsys, home, more, message):
    folder = run_folder(home, "refused")
    assert message in refused(capsys, folder, *named(home, "refused", *more))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--method", "arcface"], "--method"), (["--seed", "4885"], "--seed"),
        (["--set", "lr=1"], "--set"), (["--device", "cpu"], "--device"),
        (["--data", "data"], "--data"), (["--outputs", "outputs"], "--outputs"),
    ],
)  # fmt: skip
def test_an_option_that_would_count_for_nothing_is_refused(capsys, tmp_path, words, name):
    assert refused(capsys, tmp_path, *words).startswith(f"error: {name}: expected --study with it")


def test_the_options_have_the_notebooks_defaults(home):
    options = asking.parser().parse_args(["x", "--study", "smoke"])
    found = asking.parameters(home, options)
    given = {name: parameter.default for name, parameter in parameters_of(NOTEBOOK).items()}
    assert found == {name: given[name] for name in found} | {"study": "smoke"}


def test_a_wrong_word_makes_no_folder(capsys, home):
    folder = home / "nowhere/smoke/train-arcface-s1"
    refused(capsys, folder, *named(home, "nowhere", "--set", "epochs=0"))
    assert not folder.exists()


def test_weights_that_are_none_fail_on_record(capsys, home):
    broken = home / "broken.pt"
    broken.write_text("no weights")
    overrides = {"start": str(broken)}
    folder = run_folder(home, "broken", overrides)
    words = named(home, "broken", "--set", f"start={broken}")
    assert f"error: {broken}: not a readable checkpoint" in refused(capsys, folder, *words)
    record = status.read(folder)
    assert (record["status"], record["rank"]) == ("failed", 0)
    assert record["error"].startswith(f"ValueError: {broken}: not a readable checkpoint")
    assert runs.read_record(folder)["status"] == "failed"


def test_a_second_training_in_a_folder_is_refused_by_its_number(capsys, home, monkeypatch):
    monkeypatch.setattr(command, "SECONDS_TO_WAIT", 0.2)
    folder = run_folder(home, "busy")
    status.begin(folder, launch="one", status=status.RUNNING, pid=1)
    with status.held(folder, seconds=0):
        told = refused(capsys, folder)
    assert f"another training is at work here, pid 1 on {socket.gethostname()}" in told
    assert runs.read_json(folder / "training.json")["status"] == "running"  # the other one's


def as_rank(monkeypatch, rank):
    place = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
    for name, value in place.items():
        monkeypatch.setenv(name, str(value))


def collect_by(monkeypatch, collect):
    """Have trainings collect their material by a function of the test's."""
    kind = asking.KINDS["02_train"]._replace(collect=collect)
    monkeypatch.setitem(asking.KINDS, "02_train", kind)


@pytest.mark.parametrize("launch", [["--launch", "one"], []])
def test_another_process_tells_its_failure_of_this_start(capsys, home, monkeypatch, launch):
    folder = run_folder(home, "rank")
    status.begin(folder, launch="one", status=status.STARTING)
    as_rank(monkeypatch, 1)
    collect_by(monkeypatch, lambda _: (home / "gone").read_text())
    refused(capsys, folder, *launch)
    record = status.read(folder)
    assert (record["status"], record["rank"]) == ("failed", 1)
    assert record["error"].startswith("FileNotFoundError")


def test_another_process_tells_nothing_of_an_earlier_start(capsys, home, monkeypatch):
    folder = run_folder(home, "earlier")
    status.begin(folder, launch="one", status=status.COMPLETE)
    status.update(folder, start="2020-01-01T00:00:00+00:00")
    as_rank(monkeypatch, 1)
    monkeypatch.setattr(command, "_SECONDS_TO_BEGIN", 0.2)
    collect_by(monkeypatch, lambda _: (home / "gone").read_text())
    refused(capsys, folder)
    assert status.read(folder)["status"] == "complete"


def test_processes_that_would_train_different_things_are_refused_by_rank(monkeypatch):
    values = {"device": "cpu", "key": "a", "finished": False}
    others = [values, values, {**values, "key": "b"}]
    monkeypatch.setattr("irlib.parallel.exchanged", lambda value: others)
    with pytest.raises(ValueError, match="rank 2 has key 'b', rank 0 'a': expected the same code"):
        joining.require_alike(values)


def test_an_error_that_nobody_foresaw_is_told_with_its_traceback(capsys, home, monkeypatch):
    collect_by(monkeypatch, lambda task: {}["missing"])
    assert command.main([str(run_folder(home, "unforeseen"))]) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.splitlines()[-1] == "error: 'missing'"


# The place that torchrun gives

FOUR = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}


def test_the_place_of_a_process_is_read_from_the_environment():
    place = Place.read({**FOUR, "HOME": "/"})
    assert (place.rank, place.size, place.local_rank, place.machines) == (5, 8, 1, 2)
    assert Place.read({}) == Place(0, 1, 0, 1)


@pytest.mark.parametrize(
    "wrong", [{"RANK": "8"}, {"RANK": "-1"}, {"LOCAL_RANK": "one"}, {"LOCAL_WORLD_SIZE": "9"}]
)
def test_a_place_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="WORLD_SIZE=8"):
        Place.read({**FOUR, **wrong})


def test_a_place_that_is_told_in_part_is_refused():
    with pytest.raises(ValueError, match="RANK=, WORLD_SIZE=8"):
        Place.read({"WORLD_SIZE": "8"})


@pytest.fixture
def task(home, monkeypatch):
    """A function that gives the task for a device, as if there were four GPUs."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    parameters = runs.read_json(run_folder(home, "devices") / "run.json")["parameters"]
    return lambda device: Task.of({**parameters, "device": device})


def test_the_local_rank_picks_the_gpu(task):
    assert str(task("cuda").pick_device(Place(5, 8, 1, 4))) == "cuda:1"
    assert str(task("cuda").pick_device(Place())) == "cuda"
    assert str(task("cpu").pick_device(Place(5, 8, 1, 4))) == "cpu"


def test_more_processes_than_gpus_are_refused(task):
    with pytest.raises(ValueError, match="8 processes on this machine, which has 4 GPUs"):
        task("auto").pick_device(Place(0, 8, 0, 8))


def test_several_processes_on_one_named_gpu_are_refused(task):
    with pytest.raises(ValueError, match="device is 'cuda:1', here cuda:1: expected cuda or cpu"):
        task("cuda:1").pick_device(Place(0, 2, 0, 2))


# Several machines, and kills


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def agents(folder, log):
    """Two torchrun agents that pose as two machines, with a process each."""
    endpoint = f"localhost:{free_port()}"
    words = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    words += ["--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "1"]
    entry = ["-m", "irlib.training", str(folder)]
    with log.open("a") as file:
        return [
            subprocess.Popen(
                [sys.executable, *words, "--node-rank", str(rank), *entry], cwd=runs.ROOT,
                stdout=file, stderr=subprocess.STDOUT,
            )
            for rank in range(2)
        ]  # fmt: skip


def ranks_of(pid):
    """Processes that train, by rank, below an agent."""
    found = psutil.Process(pid).children(recursive=True)
    return {int(each.environ()["RANK"]): each for each in found if "RANK" in each.environ()}


def states(folder):
    """Steps of the states that are complete; torch writes this file last."""
    return [int(path.parent.name) for path in folder.glob("resume/*/.metadata")]


@pytest.mark.slow
def test_two_machines_train_what_one_process_does(home, trained):
    folder = run_folder(home, "machines", GENTLE)
    codes = [agent.wait(timeout=300) for agent in agents(folder, home / "machines.log")]
    assert codes == [0, 0], (home / "machines.log").read_text()
    record = status.read(folder)
    assert (record["processes"], record["machines"]) == (2, 2)
    assert losses(folder) == pytest.approx(losses(trained.folder), rel=1e-4)


@pytest.mark.slow
def test_a_machine_that_dies_ends_the_job(home):
    folder, log = run_folder(home, "lost machine", LONG), home / "lost.log"
    both = agents(folder, log)
    assert wait_until(lambda: states(folder)), log.read_text()
    ranks = {rank: each for agent in both for rank, each in ranks_of(agent.pid).items()}
    for agent in both:
        if 1 in ranks_of(agent.pid):
            agent.kill()  # and its process notices
            lost = agent
    codes = [agent.wait(timeout=SECONDS_TO_END) for agent in both]
    assert codes[both.index(lost)] == -signal.SIGKILL
    assert codes[1 - both.index(lost)] not in (0, None)
    assert wait_until(lambda: not any(each.is_running() for each in ranks.values()))
    assert status.read(folder)["status"] in ("failed", "killed")


@pytest.mark.slow
def test_a_killed_process_ends_the_job_and_the_next_start_goes_on(home):
    folder = run_folder(home, "killed process", LONG)
    training = launch(folder, processes=2)
    assert wait_until(lambda: states(folder))
    ranks_of(training.process.pid)[1].kill()
    with pytest.raises(TrainingError) as error:
        training.follow(str)
    assert training.process.returncode not in (0, None)
    assert str(error.value) == "rank 1 was ended by SIGKILL: out of memory?", error.value.__notes__
    before = read_history(folder)
    saved = max(states(folder))
    assert launch(folder, processes=2).follow(str)["status"] == status.COMPLETE
    after = read_history(folder)
    kept = [line for line in before if line["step"] <= saved]
    assert after[: len(kept)] == kept  # with the time of each line, so none was made again
    assert [line["step"] for line in after if "id_loss" in line] == list(range(1, 161))


@pytest.mark.slow
def test_processes_of_a_killed_kernel_are_gone(home):
    folder = run_folder(home, "killed kernel", LONG)
    code = (
        "import sys, time; from pathlib import Path; from irlib.training.launching import launch;"
        "training = launch(Path(sys.argv[1]), processes=2); time.sleep(300)"
    )
    kernel = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=runs.ROOT)
    assert wait_until(lambda: states(folder))
    agent = psutil.Process(runs.read_json(folder / "training.json")["pid"])
    below = [agent, *ranks_of(agent.pid).values()]
    assert len(below) == 3
    kernel.kill()
    kernel.wait()
    assert wait_until(lambda: not any(each.is_running() for each in below))
    assert status.read(folder)["status"] == "killed"
    assert launch(folder, processes=1).follow(str)["status"] == status.COMPLETE
    assert json.loads((folder / "run.json").read_text())["status"] == "running"  # the notebook's
