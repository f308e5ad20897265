"""fm-keras serve: what it says when it is ready, and how it stops."""

import json
import os
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from fm_keras.settings import ServeSettings
from fm_keras_cli import serve

PORTS = ("--rest-port", "0", "--grpc-port", "0")


@pytest.fixture
def saved_models(tmp_path):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
    pytest.importorskip("tensorflow_serving")
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path / "double" / "3"), signatures=module.double)
    (tmp_path / "broken" / "1").mkdir(parents=True)
    return tmp_path


def test_it_says_where_it_listens_serves_and_stops_cleanly_when_it_is_told_to(saved_models):
    words = [sys.executable, "-m", "fm_keras_cli", "serve", str(saved_models), *PORTS, "--json"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = [*iter(server.stdout.readline, "}\n"), "}"]
        ready = json.loads("".join(lines))
        with urlopen(f"{ready['rest']}/v1/models/double") as answer:
            status = json.load(answer)["model_version_status"]
        server.terminate()
        _, said = server.communicate(timeout=60)
    finally:
        server.kill()
        server.communicate()

    assert ready["models"] == {"double": [3]}
    assert ready["rest"].startswith("http://127.0.0.1:")
    assert ready["metrics"] == f"{ready['rest']}/monitoring/prometheus/metrics"
    assert status[0]["state"] == "AVAILABLE"
    assert server.returncode == 0
    hints = said.splitlines()
    assert hints[0].startswith("For laptops, ARM and tests. Production belongs to TensorFlow Serving")
    assert "double version 3: AVAILABLE" in hints
    assert any(hint.startswith("broken version 1: SavedModel file does not exist") for hint in hints)
    assert hints[-1] == "double version 3: END"


def test_ctrl_c_stops_it_and_the_next_one_acts_as_usual(command, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
    pytest.importorskip("tensorflow_serving")
    usual, show = signal.getsignal(signal.SIGINT), serve._show

    def show_and_press(*about):
        show(*about)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(serve, "_show", show_and_press)

    outcome = command("serve", tmp_path, *PORTS)

    assert outcome.code == 0
    assert f"fm-keras export RUN --to {tmp_path} makes one: it is picked up.".replace(" ", "") in "".join(
        outcome.out.split()
    )
    assert outcome.err.splitlines()[-1] == "Stopping: requests in flight are answered."
    assert signal.getsignal(signal.SIGINT) is usual


def test_a_folder_that_is_not_there_is_one_line(command, tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
    pytest.importorskip("tensorflow_serving")

    outcome = command("serve", tmp_path / "nix", "--quiet", *PORTS)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ") and "there is no such folder. Export a model first" in outcome.err


def test_its_options_are_the_settings(command):
    said = command("serve", "--help").out

    for name in ServeSettings.model_fields:
        assert f"--{name.replace('_', '-')} " in said
    assert "127.0.0.1" in said


def test_a_port_beyond_range_is_wrong_usage(command, tmp_path):
    assert command("serve", tmp_path, "--rest-port", "65536").code == 2


def test_without_the_packages_it_says_what_to_install(command, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for module in [name for name in sys.modules if name == "fm_keras.serving.server.server"]:
        monkeypatch.delitem(sys.modules, module)

    outcome = command("serve", tmp_path, "--quiet")

    assert outcome.err == (
        'Error: fm-keras serve needs uvicorn, which is not installed: pip install "fm-keras[serve]".\n'
    )
