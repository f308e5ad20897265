"""A real Ray cluster on this machine: a head without cores, and two workers."""

from pathlib import Path

import pytest

from fm_keras.records import keras_backend

ray = pytest.importorskip("ray", reason="Ray is not installed")

FORKS = "Ray's test cluster forks this process, which JAX has made one of many threads"


@pytest.fixture
def cluster(planned, monkeypatch):
    """Two workers of one core each; Ray's processes are started with the planned trials in their path."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.skipif(keras_backend() == "jax", reason=FORKS)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the worker of a trial in /proc")
def test_a_worker_that_dies_in_mid_sweep_costs_no_row(cluster, run_sweep, planned):
    planned.shall({f"lenet-w{width}-r2.667-s0": ["wait"] if width == 3 else [] for width in range(2, 7)})
    told = []

    def kill(event):
        told.append(event)
        if (event.kind, event.trial) == ("step", "lenet-w3-r2.667-s0") and len(cluster.worker_nodes) == 2:
            raylet = parent_of(parent_of(planned.process_of(event.trial)))
            (node,) = (each for each in cluster.worker_nodes if each.all_processes["raylet"][0].process.pid == raylet)
            cluster.remove_node(node, allow_graceful=False)

    how = {"engine": "ray", "address": cluster.address, "workers": None}
    rows, _ = run_sweep(widths=(2, 3, 4, 5, 6), settings=how, progress=kill)

    assert sorted(rows["width"]) == [2, 3, 4, 5, 6]
    assert set(rows["status"]) == {"done"}
    assert [event.trial for event in told if event.kind == "lost"] == ["lenet-w3-r2.667-s0"]
    assert planned.started.count("lenet-w3-r2.667-s0") == 2
    assert rows["worker"].str.startswith("ray ").all()
