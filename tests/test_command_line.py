"""The command behind run_all.sh: what it refuses, and what it hands to Snakemake."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from irlib import __main__ as command
from irlib import methods, runs, studies
from irlib.options import parser
from irlib.training import status
from irlib.training.config import TrainConfig
from irlib.training.synthesis.config import SynthesisConfig


@pytest.fixture
def place(tmp_path):
    """An empty data folder and an outputs folder that does not exist yet, as options."""
    (tmp_path / "data").mkdir()
    words = ["--data", str(tmp_path / "data"), "--outputs", str(tmp_path / "out")]
    return SimpleNamespace(root=tmp_path, outputs=tmp_path / "out", words=words)


@pytest.fixture
def snakemake(monkeypatch):
    """Snakemake's command line, taken down instead of run."""
    taken = []
    monkeypatch.setattr(command, "run_snakemake", lambda words: taken.extend(words) or 0)
    return taken


def refused(capsys, *words):
    """The one message that a command line is refused with."""
    assert command.main(list(words)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    return told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dmeo"], "unknown study 'dmeo': did you mean 'demo'"),
        (["demo", "--seeds", "1,b"], "--seeds '1,b': 'b' is none; expected whole numbers"),
        (["demo", "--seeds", ""], "--seeds ''"),
        (["demo", "--seeds", "1,1"], "1 stands there twice"),
        (["demo", "--methods", "arcface,arcfase"], "unknown method 'arcfase': did you mean"),
        (["demo", "--methods", ""], "--methods ''"),
        (["demo", "--methods", "arcface,contrls"], "'contrls': did you mean 'controls'"),
        (["demo", "--set", "start=gone.pt"], "start is 'gone.pt': there is no such checkpoint"),
        (["demo", "--methods", "arcface,arcface"], "arcface stands there twice"),
        (["demo", "--methods", "none"], "'none': no method, nor any --models"),
        (["demo", "--methods", "none", "--synthesis"], "name one beside --synthesis too, e.g."),
        (["demo", "--methods", "arcface,age_estimator"], "'age_estimator' measures synthesized"),
        (["demo", "--models", "mine"], "--models 'mine': expected NAME=FILE"),
        (["demo", "--models", "mine=gone.onnx"], "gone.onnx is no file; expected NAME=FILE"),
        (["demo", "--models", "arcface=README.md"], "the name 'arcface' is taken"),
        (["demo", "--models", "a=README.md,a=README.md@BGR"], "the name 'a' is taken"),
        (["demo", "--set", "epoch=3"], "unknown setting of a study 'epoch': did you mean 'epochs'"),
        (["demo", "--set", "epochs=many"], "epochs is 'many': expected int"),
        (["demo", "--set", "epochs=0"], "epochs is 0: expected at least 1"),
        (["demo", "--set", "lr=nan"], "lr is 'nan': expected float"),
        (["demo", "--set", "synthesis.steps=0"], "synthesis.steps is 0: expected at least 1"),
        (["demo", "--set", "num_groups=9"], "num_groups is 9: expected 4 to 8 age groups"),
        (["demo", "--set", "epochs"], "--set 'epochs': expected FIELD=VALUE"),
        (["demo", "--set", "lr=1", "--set", "lr=2"], "--set 'lr=2': lr stands there twice"),
        (["demo", "--cores", "0"], "--cores 0: expected at least 1"),
        (["demo", "--processes", "0"], "--processes 0: expected at least 1"),
        (["demo", "--device", "gpu"], "device 'gpu': expected one of auto, cuda, mps, cpu"),
    ],
)
def test_a_wrong_word_is_refused_by_name(capsys, snakemake, place, words, message):
    assert message in refused(capsys, *words, *place.words)
    assert snakemake == []


@pytest.mark.parametrize("words", [["--seed", "1"], ["demo", "casia"], ["--cores", "two"]])
def test_a_word_that_is_no_option_is_refused(capsys, snakemake, words):
    with pytest.raises(SystemExit) as stop:
        command.main(words)
    assert stop.value.code == 2
    assert "run_all.sh: error: " in capsys.readouterr().err


def test_missing_data_are_told_without_loading_torch(place):
    # loading torch takes seconds, and the answer is known before
    code = (
        "import sys; from irlib.__main__ import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "casia", *place.words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "False\n")
    assert f"{place.root}/data/casia/train: CASIA-WebFace: " in done.stderr
    assert not place.outputs.exists()


def test_a_file_in_the_place_of_the_outputs_folder_is_refused(capsys, snakemake, place):
    place.outputs.write_text("mine")
    told = refused(capsys, "demo", *place.words)
    assert f"cannot write to the output folder {place.outputs / 'demo'}" in told
    assert place.outputs.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused(capsys, snakemake, place, monkeypatch):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command.tempfile, "TemporaryFile", denied)
    told = refused(capsys, "demo", *place.words)
    assert f"output folder {place.outputs / 'demo'}: Permission denied" in told


def test_too_little_free_disk_is_told_with_what_is_needed(capsys, snakemake, place, monkeypatch):
    full = SimpleNamespace(free=2**28)  # a quarter of a GiB
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    told = refused(capsys, "demo", *place.words)
    assert re.search(r"demo: 0\.25 GiB free, expected at least \d", told)


def test_a_second_instance_says_so_and_waits_for_the_first(capsys, snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    second = threading.Thread(target=command.main, args=[["demo", *place.words]], daemon=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        told, deadline = "", time.monotonic() + 20
        while "waiting" not in told and time.monotonic() < deadline:
            time.sleep(0.05)
            told += capsys.readouterr().err
        assert told == f"waiting: another run_all.sh is at work in {folder}\n"
        assert snakemake == []
    second.join(20)
    assert "--snakefile" in snakemake


def test_another_study_may_run_beside(snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(["smoke", *place.words]) == 0


def test_a_locked_study_can_still_be_asked_what_would_run(snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(["demo", "--dry-run", *place.words]) == 0


def configuration(place, name="demo"):
    return runs.read_json(place.outputs / name / ".graph.json")


def test_the_demo_is_the_default(snakemake, place):
    assert command.main(place.words) == 0
    assert configuration(place)["study"] == "demo"


def test_methods_and_seeds_reach_the_graph(snakemake, place):
    command.main(["demo", "--methods", "cosface, arcface", "--seeds", "7,8", *place.words])
    found = configuration(place)
    assert (found["methods"], found["seeds"]) == (["cosface", "arcface"], [7, 8])


def test_a_group_stands_for_its_methods_each_once(snakemake, place):
    command.main(["demo", "--methods", "cosface,published,cosface_too", *place.words])
    assert snakemake == []
    command.main(["demo", "--methods", "dal_published,published", "--seeds", "1", *place.words])
    expected = ["dal_published", *methods.GROUPS["published"]]
    assert configuration(place)["methods"] == list(dict.fromkeys(expected))


def test_synthesis_is_asked_for_the_first_seed(snakemake, place):
    command.main(["demo", "--synthesis", "--methods", "cosface", "--seeds", "7,8", *place.words])
    found = configuration(place)
    assert list(found["synthesis"]) == ["synthesis-mtlface-s7"]
    assert found["trained"]["age_estimator"] == [8]


def test_without_the_word_nothing_is_synthesized(snakemake, place):
    command.main(["demo", *place.words])
    found = configuration(place)
    assert found["synthesis"] == {}
    assert set(found["trained"]) == {"arcface", "inter_prototype"}


def test_a_recipe_of_synthesis_reaches_the_notebooks_by_name(snakemake, place):
    words = ["--synthesis", "--set", "synthesis.steps=100", "--set", "num_groups=5"]
    command.main(["demo", *words, *place.words])
    found = configuration(place, "demo+num_groups=5+synthesis.steps=100")
    assert found["common"]["overrides"] == '{"synthesis.steps": "100", "num_groups": "5"}'


def test_a_study_that_trains_nothing_synthesizes_nothing(capsys, snakemake, place, network):
    (place.root / "data/test/LAG-aligned").mkdir(parents=True)
    (place.root / "data/test/LAG-aligned/1.png").write_text("a")
    words = ["benchmark", "--synthesis", "--models", f"mine={network}"]
    told = refused(capsys, *words, *place.words)
    assert "--synthesis: study 'benchmark' has no training set" in told


def test_synthesis_without_test_faces_of_known_age_is_refused(capsys, snakemake, place):
    for name in ("casia/train/1/1.jpg", "casia/age-labels.txt", "test/LAG-aligned/a/1.png"):
        path = place.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    told = refused(capsys, "casia", "--synthesis", *place.words)
    assert "study 'casia', --synthesis needs test faces of known age, LAG has no ages: data" in told
    assert f"{place.root}/data/test/AgeDB-aligned: AgeDB: " in told
    assert snakemake == []


def test_a_joint_training_of_too_few_steps_is_refused_at_once(capsys, snakemake, place):
    told = refused(capsys, "smoke", "--synthesis", "--set", "synthesis.joint=true", *place.words)
    # 2 epochs of 402 images in batches of 32, the 13th of which has 18
    assert "synthesis.steps is 6: expected at least the 26 of the recognition training" in told
    assert snakemake == []


@pytest.fixture
def network(tmp_path):
    (tmp_path / "network.onnx").write_bytes(b"weights")
    return tmp_path / "network.onnx"


def test_models_made_elsewhere_reach_the_graph_beside_the_methods(snakemake, place, network):
    assert command.main(["demo", "--models", f"one={network},two={network}@BGR", *place.words]) == 0
    found = configuration(place)
    assert found["methods"] == ["arcface", "inter_prototype"]
    told = {name: (each["path"], each["color_order"]) for name, each in found["models"].items()}
    assert told == {"one": (str(network), ""), "two": (str(network), "BGR")}


def test_models_made_elsewhere_may_be_all_there_is(snakemake, place, network):
    words = ["demo", "--methods", "none", "--models", f"mine={network}"]
    assert command.main([*words, *place.words]) == 0
    found = configuration(place)
    assert (found["methods"], found["trained"], list(found["models"])) == ([], {}, ["mine"])


def test_the_benchmark_study_takes_test_sets_and_models_alone(snakemake, place, network):
    (place.root / "data/test/LAG-aligned").mkdir(parents=True)
    (place.root / "data/test/LAG-aligned/1.png").write_text("a")
    words = ["benchmark", "--models", f"mine={network}"]
    assert command.main([*words, *place.words]) == 0
    found = configuration(place, "benchmark")
    assert (found["methods"], found["seeds"], list(found["models"])) == ([], [], ["mine"])


def test_the_benchmark_study_without_a_model_has_nothing_to_do(capsys, snakemake, place):
    (place.root / "data/test/LAG-aligned").mkdir(parents=True)
    (place.root / "data/test/LAG-aligned/1.png").write_text("a")
    told = refused(capsys, "benchmark", *place.words)
    assert "--methods 'none': no method, nor any --models" in told


def test_the_benchmark_study_does_not_train(capsys, snakemake, place):
    (place.root / "data/test/LAG-aligned").mkdir(parents=True)
    (place.root / "data/test/LAG-aligned/1.png").write_text("a")
    told = refused(capsys, "benchmark", "--methods", "arcface", *place.words)
    assert "method 'arcface' on study 'benchmark': it has no training set" in told
    assert snakemake == []


def test_an_empty_group_is_refused(capsys, snakemake, place, monkeypatch):
    monkeypatch.setitem(methods.GROUPS, "controls", ())
    told = refused(capsys, "demo", "--methods", "controls", *place.words)
    assert "--methods 'controls': no method" in told


def test_the_help_names_every_group_and_every_setting():
    told = parser().format_help()
    known = [*methods.GROUPS, *TrainConfig.fields(), *studies.SETTABLE, *SynthesisConfig.fields()]
    assert [name for name in known if not re.search(rf"\b{name}\b", told)] == []


def test_a_method_that_does_not_fit_the_study_is_refused_before_anything_runs(
    capsys, snakemake, place, monkeypatch
):
    def misfit(method, study):
        raise ValueError(f"method {method.name!r} on study {study.name!r}: no")

    monkeypatch.setattr(methods.Method, "check", misfit)
    assert "method 'arcface' on study 'demo': no" in refused(capsys, "demo", *place.words)
    assert snakemake == []


def test_without_a_choice_the_studys_own_methods_and_seeds_are_taken(snakemake, place):
    command.main(["demo", *place.words])
    found = configuration(place)
    assert found["methods"] == ["arcface", "inter_prototype"]
    assert found["seeds"] == [4885, 1234, 5678]


def test_a_variant_gets_a_folder_and_notebooks_parameters_of_its_own(snakemake, place):
    command.main(["demo", "--set", "precision=bf16", *place.words])
    found = configuration(place, "demo+precision=bf16")
    assert found["study"] == "demo+precision=bf16"
    assert found["common"]["study"] == "demo"
    assert found["common"]["overrides"] == '{"precision": "bf16"}'


def test_paths_reach_the_graph_whole(snakemake, place, tmp_path):
    words = ["--data", str(tmp_path / "my data"), "--outputs", str(tmp_path / "my out")]
    command.main(["demo", *words])
    found = runs.read_json(tmp_path / "my out/demo/.graph.json")
    assert found["common"]["data"] == str(tmp_path / "my data")
    assert found["outputs"] == found["common"]["outputs"] == str(tmp_path / "my out")


def test_snakemake_works_in_the_outputs_folder(snakemake, place):
    command.main(["demo", *place.words])
    assert snakemake[snakemake.index("--directory") + 1] == str(place.outputs)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["--forcerun", "data"]),
        (["-p"], ["-p", "--forcerun", "data"]),
        (["--forcerun", "report", "-p"], ["--forcerun", "data", "report", "-p"]),
    ],
)
def test_changed_data_are_read_again_beside_what_the_user_forces(
    snakemake, place, monkeypatch, given, expected
):
    monkeypatch.setattr("irlib.graph.data_changed", lambda *places: True)
    command.main(["demo", *place.words, *(["--", *given] if given else [])])
    assert snakemake[-len(expected) :] == expected


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--dry-run"], ["--dry-run"]),
        (["-n"], ["--dry-run"]),
        (["--cores", "3"], ["--cores", "3"]),
        (["--force"], ["--forceall"]),
        (["--profile", "mine"], ["--profile", "mine"]),
        (["--profile", "slurm"], ["--profile", str(runs.ROOT / "profiles/slurm")]),
        (["--", "--quiet", "-p"], ["--quiet", "-p"]),
    ],
)
def test_options_pass_through_to_snakemake(snakemake, place, words, given):
    command.main(["demo", *place.words, *words])
    assert snakemake[-len(given) :] == given


@pytest.fixture
def machine(monkeypatch):
    """A function that pretends that this machine has so many GPUs and cores."""

    def pretend(count, *, cores=64, chosen=None):
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        monkeypatch.setattr("torch.cuda.is_available", lambda: count > 0)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
        monkeypatch.setattr("irlib.provenance.available_cores", lambda: cores)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if chosen is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)

    return pretend


def at_once(words):
    """The bound on GPUs in Snakemake's words."""
    return words[words.index("--resources") + 1]


def test_as_many_runs_at_a_time_as_there_are_gpus(snakemake, place, machine):
    machine(4)
    command.main(["demo", *place.words])
    found = configuration(place)
    assert (found["gpus"], found["devices"]) == (1, ["0", "1", "2", "3"])
    assert at_once(snakemake) == "gpu=4"


def test_gpus_that_the_user_chose_are_the_only_ones(snakemake, place, machine):
    machine(2, chosen="2,3")
    command.main(["demo", *place.words])
    assert configuration(place)["devices"] == ["2", "3"]
    assert at_once(snakemake) == "gpu=2"


def test_few_cores_leave_no_gpu_idle(snakemake, place, machine):
    machine(4, cores=6)  # a training of demo-large would take 12
    command.main(["demo-large", *place.words])
    assert configuration(place, "demo-large")["threads"] == 1


def test_many_cores_go_to_a_run_as_far_as_its_study_uses_them(snakemake, place, machine):
    machine(2, cores=64)
    command.main(["demo-large", *place.words])
    assert configuration(place, "demo-large")["threads"] == studies.find("demo-large").threads


@pytest.mark.parametrize("words", [["--device", "cpu"], []], ids=["chosen", "no GPU here"])
def test_on_the_cpu_no_gpu_is_asked_for(snakemake, place, machine, words):
    machine(4 if words else 0)
    command.main(["demo-large", *words, *place.words])
    found = configuration(place, "demo-large")
    assert (found["gpus"], found["devices"]) == (0, [])


def test_one_named_gpu_serves_one_run_at_a_time(snakemake, place, machine):
    machine(4)
    command.main(["demo", "--device", "cuda:1", *place.words])
    found = configuration(place)
    assert (found["gpus"], found["devices"]) == (1, [])  # the runs are told the name themselves
    assert at_once(snakemake) == "gpu=1"


def test_a_training_of_several_processes_has_a_gpu_and_cores_for_each(snakemake, place, machine):
    machine(8, cores=32)
    command.main(["demo-large", "--processes", "4", *place.words])
    found = configuration(place, "demo-large")
    # 32 cores for 8 GPUs: 4 for each, although the study would use 12
    assert (found["gpus"], found["train_gpus"], found["processes"]) == (1, 4, 4)
    assert (found["threads"], found["train_threads"]) == (4, 16)
    assert at_once(snakemake) == "gpu=8"


def test_several_processes_on_the_cpu_have_cores_alone(snakemake, place, machine):
    machine(0)
    command.main(["demo", "--processes", "2", *place.words])
    found = configuration(place)
    assert (found["train_gpus"], found["train_threads"]) == (0, 2)


def test_more_processes_than_cores_are_refused(capsys, snakemake, place, machine):
    machine(0, cores=4)
    told = refused(capsys, "demo", "--device", "cpu", "--processes", "8", *place.words)
    assert "--processes 8: expected at most one a core, 4" in told


def test_more_processes_than_gpus_are_refused(capsys, snakemake, place, machine):
    machine(4)
    told = refused(capsys, "demo", "--processes", "8", *place.words)
    assert "--processes 8: this machine has 4 GPUs to choose from" in told


def test_several_processes_on_one_named_gpu_are_refused(capsys, snakemake, place, machine):
    machine(4)
    told = refused(capsys, "demo", "--device", "cuda:1", "--processes", "2", *place.words)
    assert "--processes 2: expected 1 on the one device cuda:1" in told


def test_a_cluster_is_asked_for_a_gpu_for_each_process(snakemake, place, machine):
    machine(0)
    command.main(["demo-large", "--processes", "8", "--profile", "slurm", *place.words])
    found = configuration(place, "demo-large")
    assert (found["gpus"], found["train_gpus"], found["train_threads"]) == (1, 8, 96)


@pytest.mark.parametrize(
    ("words", "gpus"),
    [
        (["demo-large"], 1), (["demo"], 0), (["demo", "--device", "cuda"], 1),
        (["demo-large", "--device", "cpu"], 0),
    ],
)  # fmt: skip
def test_a_cluster_hands_out_its_gpus_itself(snakemake, place, machine, words, gpus):
    machine(0)
    assert command.main([*words, "--profile", "slurm", *place.words]) == 0
    found = configuration(place, words[0])
    assert (found["gpus"], found["devices"]) == (gpus, [])
    assert "--resources" not in snakemake


def test_words_after_two_dashes_do_not_name_the_study(snakemake, place):
    assert command.main([*place.words, "--", "--quiet"]) == 0
    assert snakemake[-1] == "--quiet"


def test_snakemakes_exit_status_is_passed_on(place, monkeypatch):
    monkeypatch.setattr(command, "run_snakemake", lambda words: 3)
    assert command.main(["demo", *place.words]) == 3


def test_the_report_is_named_at_the_end(snakemake, place, capsys):
    (place.outputs / "demo").mkdir(parents=True)
    (place.outputs / "demo/report.html").touch()
    command.main(["demo", *place.words])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"report: {place.outputs / 'demo/report.html'}"


def test_no_old_report_is_named_after_a_failure(place, capsys, monkeypatch):
    monkeypatch.setattr(command, "run_snakemake", lambda words: 1)
    (place.outputs / "demo").mkdir(parents=True)
    (place.outputs / "demo/report.html").touch()
    command.main(["demo", *place.words])
    assert "report:" not in capsys.readouterr().out


@pytest.fixture
def failing(place, monkeypatch):
    """Snakemake as it ends when one run fails: its starts, each with the config it was given."""
    home, starts = place.outputs / "demo", []

    def run_snakemake(words):
        starts.append((words, configuration(place)))
        if "--allowed-rules" in words:
            (home / "report.html").touch()
            return 0
        for name in ("data", "train-arcface-s1", "evaluate-arcface-s1", "prototypes-arcface-s1"):
            runs.start(home / name, notebook="toy", parameters={}).finish({})
        run = runs.start(home / "train-cosface-s1", notebook="toy", parameters={})
        run.update(status="failed", error="ValueError: too small")
        return 1

    monkeypatch.setattr(command, "run_snakemake", run_snakemake)
    return starts


CHOICE = ["demo", "--methods", "arcface,cosface", "--seeds", "1"]


def test_a_failed_run_is_told_with_its_reason_and_the_report_is_made(place, capsys, failing):
    assert command.main([*CHOICE, *place.words]) == 1
    told = capsys.readouterr()
    assert told.err == "failed: train-cosface-s1: ValueError: too small\n"
    assert told.out.splitlines()[-1] == f"report: {place.outputs / 'demo/report.html'}"


def test_the_report_after_a_failure_is_a_second_start_with_what_is_there(place, failing):
    command.main([*CHOICE, *place.words])
    (_, first), (words, second) = failing
    assert first["absent"] == {}
    assert set(second["absent"]) == {
        "train-cosface-s1", "evaluate-cosface-s1", "prototypes-cosface-s1"
    }  # fmt: skip
    assert words[-4:] == ["--allowed-rules", "all", "report", "--forcerun"]


def test_what_the_user_forces_is_not_forced_again_for_the_report(place, failing):
    command.main([*CHOICE, *place.words, "--", "--forcerun", "data"])
    words = failing[1][0]
    assert words[-1] == "--forcerun"  # Snakemake heeds the last one, which forces nothing
    assert words.index("data") < len(words) - 1


@pytest.fixture
def heeded():
    """Python's own answer to SIGINT, which a shell's background jobs are started without."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_stops_snakemake_is_its_exit_status(monkeypatch, heeded, name, status):
    def stopped(words):
        previous = signal.signal(signal.SIGTERM, lambda *_: None)  # as Snakemake's scheduler does
        try:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(1)
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, previous)
        sys.exit(1)

    monkeypatch.setattr("snakemake.cli.main", stopped)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    assert command.run_snakemake([]) == status


@pytest.mark.parametrize("status", [0, 1, 2])
def test_without_a_signal_snakemakes_own_status_counts(monkeypatch, status):
    monkeypatch.setattr("snakemake.cli.main", lambda words: sys.exit(status))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    assert command.run_snakemake([]) == status


def test_without_data_there_is_nothing_to_report(place, capsys, monkeypatch):
    starts = []

    def run_snakemake(words):
        starts.append(words)
        run = runs.start(place.outputs / "demo/data", notebook="toy", parameters={})
        run.update(status="failed", error="OSError: the disk is full")
        return 1

    monkeypatch.setattr(command, "run_snakemake", run_snakemake)
    assert command.main(["demo", *place.words]) == 1
    assert capsys.readouterr().err == "failed: data: OSError: the disk is full\n"
    assert len(starts) == 1


def test_after_an_interrupt_no_run_counts_as_failed_and_no_report_is_made(
    place, capsys, monkeypatch
):
    starts = []

    def run_snakemake(words):
        starts.append(words)
        run = runs.start(place.outputs / "demo/train-arcface-s1", notebook="toy", parameters={})
        run.update(status="killed", error="KeyboardInterrupt")
        return command.STOPPED + signal.SIGINT

    monkeypatch.setattr(command, "run_snakemake", run_snakemake)
    assert command.main([*CHOICE, *place.words]) == 130
    assert (len(starts), capsys.readouterr().err) == (1, "")


def test_what_to_expect_is_told_at_the_start(snakemake, place, capsys):
    command.main(["demo", *place.words])
    assert studies.find("demo").expected in capsys.readouterr().out


def test_what_synthesis_adds_is_told_where_it_is_asked_for(snakemake, place, capsys):
    command.main(["demo", *place.words])
    assert "--synthesis" not in capsys.readouterr().out
    command.main(["demo", "--synthesis", *place.words])
    told = f"for --synthesis more: {studies.find('demo').expected_synthesis}"
    assert told in capsys.readouterr().out


def checkpoint(place, run):
    path = place.outputs / "demo" / run / "last.pt"
    path.parent.mkdir(parents=True)
    path.write_text("weights")
    return path


def test_force_sets_the_chosen_runs_checkpoints_aside_and_loses_none(snakemake, place):
    chosen = checkpoint(place, "train-arcface-s1")
    spared = checkpoint(place, "train-arcface-s2")
    command.main(["demo", "--force", "--methods", "arcface", "--seeds", "1", *place.words])
    assert not chosen.exists()
    assert chosen.with_name("last.previous.pt").read_text() == "weights"
    assert spared.exists()


def test_force_sets_the_state_of_an_interrupted_training_aside_in_place_of_an_older_one(
    snakemake, place
):
    run = place.outputs / "demo/train-arcface-s1"
    for name in ("resume/200", "resume.previous/100"):
        (run / name).mkdir(parents=True)
    command.main(["demo", "--force", "--methods", "arcface", "--seeds", "1", *place.words])
    assert not (run / "resume").exists()
    assert [path.name for path in (run / "resume.previous").iterdir()] == ["200"]


def test_force_trains_anew_what_a_chosen_method_starts_from(snakemake, place):
    start = checkpoint(place, "train-arcface-s1")
    words = ["--methods", "broadface_published", "--seeds", "1", *place.words]
    command.main(["demo", "--force", *words])
    assert not start.exists()


def test_force_synthesizes_anew_too(snakemake, place):
    found = [checkpoint(place, name) for name in ("synthesis-mtlface-s1", "train-mtlface-s1")]
    words = ["--methods", "arcface", "--seeds", "1", "--synthesis", *place.words]
    command.main(["demo", "--force", *words])
    assert [path.exists() for path in found] == [False, False]


def test_force_leaves_a_training_at_work_alone(capsys, snakemake, place):
    home = place.outputs / "demo/train-arcface-s1"
    runs.write_text(home / "last.pt", "weights")
    with status.held(home, seconds=0):
        words = ["demo", "--force", "--methods", "arcface", "--seeds", "1", *place.words]
        assert command.main(words) == 1
    assert f"error: --force: {home}: a training is at work here" in capsys.readouterr().err
    assert (home / "last.pt").exists()
    assert snakemake == []


def test_a_dry_run_forces_nothing(snakemake, place):
    kept = checkpoint(place, "train-arcface-s4885")
    command.main(["demo", "--force", "--dry-run", *place.words])
    assert kept.exists()


def dry_run(place, *more):
    """What Snakemake itself tells, in a process of its own: it handles signals, and logs."""
    words = [sys.executable, "-m", "irlib", "smoke", "--dry-run", *place.words, *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_dry_run_with_synthesis_plans_what_it_rests_on(place):
    told = dry_run(place, "--synthesis", "--methods", "cosface")
    # of cosface, mtlface, the estimator and the judge; of cosface and the judge; of cosface
    for rule, jobs in [("train", 4), ("evaluate", 2), ("prototypes", 1), ("synthesis", 1)]:
        assert re.search(rf"^{rule} +{jobs}$", told, re.MULTILINE), rule
    assert "Missing output files: smoke/synthesis-mtlface-s1/metrics.json" in told
    assert "smoke/train-age_estimator-s2/metrics.json" in told


def test_a_dry_run_of_joint_training_plans_no_recognition_before_it(place):
    joint = ["--set", "synthesis.joint=true", "--set", "synthesis.steps=26"]
    told = dry_run(place, "--synthesis", "--methods", "cosface", *joint)
    # of cosface, the estimator and the judge
    for rule, jobs in [("train", 3), ("synthesis", 1)]:
        assert re.search(rf"^{rule} +{jobs}$", told, re.MULTILINE), rule
    assert "train-mtlface" not in told


def test_a_dry_run_says_what_would_run_and_why_and_makes_nothing(place):
    told = dry_run(place)
    # one of data and report; two methods, one seed
    for rule, jobs in [
        ("data", 1),
        ("train", 2),
        ("evaluate", 2),
        ("prototypes", 2),
        ("report", 1),
    ]:
        assert re.search(rf"^{rule} +{jobs}$", told, re.MULTILINE), rule
    assert "Missing output files: smoke/data/metrics.json" in told
    assert [path.name for path in place.root.rglob("*")] == ["data"]
