"""Each run has GPUs of its own, also when another was killed."""

import signal
import subprocess
import sys

import pytest

from irlib import gpus


@pytest.mark.parametrize(
    ("count", "chosen", "names"),
    [
        (2, None, ["0", "1"]),
        (2, "2,3", ["2", "3"]),
        (2, " 5 , 4", ["5", "4"]),
        (1, "GPU-8932f937,7", ["GPU-8932f937"]),  # CUDA stops at the first that is not there
        (0, "", []),
        (0, None, []),
    ],
)
def test_which_gpus_may_be_used(count, chosen, names):
    assert gpus.visible(count, chosen) == names


def test_gpus_are_handed_out_once_each(tmp_path):
    claims = [gpus.claim(["2", "3"], tmp_path) for _ in range(2)]
    assert [list(held) for held in claims] == [["2"], ["3"]]
    assert gpus.claim(["2", "3"], tmp_path) is None


def test_a_run_may_have_several(tmp_path):
    other = gpus.claim(["2"], tmp_path)
    held = gpus.claim(["2", "3", "4", "5"], tmp_path, count=2)
    assert (list(other), list(held)) == (["2"], ["3", "4"])


def test_a_run_that_cannot_have_all_holds_none(tmp_path):
    other = gpus.claim(["3"], tmp_path)
    assert gpus.claim(["2", "3"], tmp_path, count=2) is None
    assert list(gpus.claim(["2"], tmp_path)) == ["2"]
    other["3"].close()


def test_more_gpus_than_there_are_are_refused(tmp_path):
    with pytest.raises(ValueError, match="3 GPUs are wanted: expected at most 2"):
        gpus.claim(["0", "1"], tmp_path, count=3)


def test_a_gpu_is_free_again_once_its_holder_lets_go(tmp_path):
    gpus.claim(["0"], tmp_path)["0"].close()
    assert list(gpus.claim(["0"], tmp_path)) == ["0"]


def test_a_killed_holder_lets_go(tmp_path):
    code = (
        "import sys; from pathlib import Path; from irlib import gpus;"
        "held = gpus.claim(['0'], Path(sys.argv[1])); print(*held, flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "0\n"
    assert gpus.claim(["0"], tmp_path) is None
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert gpus.claim(["0"], tmp_path) is not None


def test_machines_that_share_a_folder_do_not_share_gpus(tmp_path, monkeypatch):
    held = gpus.claim(["0"], tmp_path)
    monkeypatch.setattr(gpus.socket, "gethostname", lambda: "another")
    other = gpus.claim(["0"], tmp_path)
    assert (list(held), list(other)) == (["0"], ["0"])


def test_a_part_of_a_gpu_has_a_lock_of_its_own(tmp_path):
    # the older names of such parts have slashes
    held = [gpus.claim([f"MIG-GPU-89/{part}/0"], tmp_path) for part in (1, 2)]
    assert [*held[0], *held[1]] == ["MIG-GPU-89/1/0", "MIG-GPU-89/2/0"]
