"""Each run has a GPU of its own, also when another was killed."""

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
    assert [name for name, _ in claims] == ["2", "3"]
    assert gpus.claim(["2", "3"], tmp_path) is None


def test_a_gpu_is_free_again_once_its_holder_lets_go(tmp_path):
    _, lock = gpus.claim(["0"], tmp_path)
    lock.close()
    name, _ = gpus.claim(["0"], tmp_path)
    assert name == "0"


def test_a_killed_holder_lets_go(tmp_path):
    code = (
        "import sys; from pathlib import Path; from irlib import gpus;"
        "held = gpus.claim(['0'], Path(sys.argv[1])); print(held[0], flush=True); input()"
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
    assert (held[0], other[0]) == ("0", "0")


def test_a_part_of_a_gpu_has_a_lock_of_its_own(tmp_path):
    # the older names of such parts have slashes
    held = [gpus.claim([f"MIG-GPU-89/{part}/0"], tmp_path) for part in (1, 2)]
    assert [name for name, _ in held] == ["MIG-GPU-89/1/0", "MIG-GPU-89/2/0"]
