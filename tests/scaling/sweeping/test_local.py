import json
import os
import subprocess
import sys

import pytest

from fm_keras.scaling.sweeping.local import list_gpus, list_places, own_cores
from fm_keras.scaling.sweeping.process import Job, Place, Workers


@pytest.mark.parametrize(
    ("workers", "cores", "there", "gpus", "shares"),
    [
        (None, None, range(8), [], [(0, 1), (2, 3), (4, 5), (6, 7)]),
        (None, None, range(1), [], [(0,)]),
        (2, None, range(8), [], [(0, 1, 2, 3), (4, 5, 6, 7)]),
        (None, 4, range(8), [], [(0, 1, 2, 3), (4, 5, 6, 7)]),
        (3, None, range(2), [], [(0,), (1,), (0,)]),
        (1, 9, range(2), [], [(0, 1)]),
        (None, None, (3, 5), ["0", "1"], [(3,), (5,)]),
    ],
)
def test_cores_are_shared_out(workers, cores, there, gpus, shares):
    assert [place.cores for place in list_places(workers, cores, there, gpus)] == shares


def test_workers_take_the_gpus_in_turn():
    places = list_places(3, None, range(3), ["2", "5"])
    assert [place.gpu for place in places] == ["2", "5", "2"]
    assert [place.gpu for place in list_places(2, None, range(2), [])] == [None, None]


def test_gpus_that_are_hidden_are_not_used(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert list_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    assert list_gpus() == ["1", "3"]


SAYS_WHERE_IT_IS = """
import os


def run_task(task, *, checkpoints, progress):
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES", "OF_THE_JOB")
    return {"cores": cores, "folder": os.getcwd(), **{name: os.environ.get(name) for name in names}}
"""


@pytest.fixture
def told_by(tmp_path, monkeypatch):
    """What a worker at a place finds."""
    (tmp_path / "sitecustomize.py").write_text(
        SAYS_WHERE_IT_IS
        + "import sys\nif 'fm_keras.scaling.sweeping.worker' in sys.orig_argv:\n"
        + "    import fm_keras.scaling.sweeping.task as tasks\n"
        + "    tasks.run_task, tasks.Task = run_task, dict\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(place):
        messages = []
        job = Job("trial", {}, str(tmp_path / "trial"), str(tmp_path), {"OF_THE_JOB": "yes"})
        Workers().run(job, place, messages.append)
        assert [message.kind for message in messages] == ["started", "done"]
        return messages[-1].content

    return run


def test_a_worker_gets_its_cores_threads_gpu_and_folder(told_by, tmp_path):
    core = own_cores()[0]
    found = told_by(Place("here", (core,), 1, "4"))
    assert found["cores"] in (None, [core])
    assert (found["OMP_NUM_THREADS"], found["TF_NUM_INTRAOP_THREADS"]) == ("1", "1")
    assert (found["CUDA_VISIBLE_DEVICES"], found["OF_THE_JOB"], found["folder"]) == ("4", "yes", str(tmp_path))


def test_a_worker_ends_with_the_process_that_started_it(planned, tmp_path):
    planned.shall({"trial": ["wait"]})
    task = {"trial": {"name": "trial", "model": "m", "width": 1, "labels": 2, "samples": 2, "seed": 0}}
    task |= {"data": {}, "content": "", "train": {}}
    order = json.dumps({"task": task, "folder": str(tmp_path), "cores": []}) + "\n"
    command = [sys.executable, "-m", "fm_keras.scaling.sweeping.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        worker.stdin.write(order)
        worker.stdin.flush()
        assert json.loads(worker.stdout.readline())[0] == "step"
        os.kill(worker.pid, 0)
        worker.stdin.close()  # as when its parent is killed
        assert worker.wait(timeout=30) == 1
