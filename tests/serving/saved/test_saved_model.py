import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import fm_keras
from fm_keras.errors import ExportFailed
from fm_keras.hashes import file_hash, model_hash
from fm_keras.serving import read_record

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("tensorflow_backend")]

KILLED = """
import sys, time
import fm_keras
from fm_keras.analysis import Analysis
from fm_keras.models import read_model

def stop(step):
    if step.done == 1:
        print("written", flush=True)
        time.sleep(60)

model, analysis, to = sys.argv[1:]
fm_keras.export(read_model(model), Analysis.load(analysis), to=to, name="tiny", progress=stop)
"""


class Moody(layers.Layer):
    """Adds another number whenever Python runs it, so a graph keeps the one it was made with."""

    def call(self, x):
        return x + np.random.default_rng().uniform()


def exported(measured, folder, **options):
    return fm_keras.export(measured.model, measured.analysis, to=folder, **options)


def test_an_export_holds_what_a_server_looks_for(served):
    version = served / "tiny" / "1"

    assert (version / "saved_model.pb").is_file()
    assert (version / "variables" / "variables.index").is_file()
    assert {path.name for path in (version / "assets.extra").iterdir()} == {
        "fm_keras.json",
        "tf_serving_warmup_requests",
    }
    assert 'base_path: "/models/tiny"' in (served / "models.config").read_text()


def test_the_record_says_what_was_exported_from_what(served, measured):
    version = served / "tiny" / "1"
    record = read_record(version)

    assert record.name == "tiny"
    assert record.model == model_hash(measured.model)
    assert (record.data, record.images) == ("rows", 24)
    assert record.label_names == record.output_names == ("top", "middle", "<b>")
    assert [(layer.layer, layer.units, layer.positions) for layer in record.layers] == [
        ("conv", 5, "2 x 2"),
        ("hidden", 7, "-"),
    ]
    assert record.settings == measured.analysis.settings and record.probe == measured.analysis.probe
    assert record.signatures["filter_field"]["outputs"] == {"field": "float32 [N, 3, 3]", "valid": "bool [N]"}
    assert record.versions["keras"] == keras.__version__
    held = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert set(record.files) == held - {"assets.extra/fm_keras.json"}
    assert all(file_hash(version / file) == content for file, content in record.files.items())


def test_a_damaged_record_is_one_line(served, tmp_path, message_of):
    (tmp_path / "assets.extra").mkdir()
    content = json.loads((served / "tiny" / "1" / "assets.extra" / "fm_keras.json").read_text())
    (tmp_path / "assets.extra" / "fm_keras.json").write_text(json.dumps({**content, "format": 9}))

    assert "expected format 1, found 9. Export the model again." in message_of(read_record, tmp_path)


def test_an_export_has_the_models_own_name_and_no_warm_up_and_other_names_of_outputs_if_asked(measured, tmp_path):
    steps = []

    path = exported(measured, tmp_path, warmup=False, output_names=["x", "y", "z"], progress=steps.append)

    assert path == tmp_path / "tiny" / "1"
    assert (read_record(path).output_names, read_record(path).label_names[0]) == (("x", "y", "z"), "top")
    assert not (path / "assets.extra" / "tf_serving_warmup_requests").exists()
    assert [step.done for step in steps] == [0, 1, 2, 3] and {step.total for step in steps} == {3}


def test_names_that_do_not_fit_the_outputs_are_refused(measured, tmp_path, message_of):
    assert "2 output_names, and 3 outputs" in message_of(lambda: exported(measured, tmp_path, output_names=["x", "y"]))


def test_an_export_that_answers_otherwise_than_python_is_not_shipped(random_analysis, tmp_path):
    image = keras.Input((4, 4, 1))
    x = layers.Flatten()(Moody()(layers.Conv2D(3, 2, name="conv")(image)))
    model = keras.Model(image, layers.Dense(3)(x))

    with pytest.raises(ExportFailed, match="than Python does"):
        fm_keras.export(model, random_analysis(model), to=tmp_path, name="odd")

    assert [path.name for path in (tmp_path / "odd").iterdir()] == [".lock"]
    assert not (tmp_path / "models.config").exists()


def test_a_models_config_that_is_none_is_one_line_before_anything_is_written(measured, tmp_path, message_of):
    (tmp_path / "models.config").write_text("garbage {")

    assert "is no models.config" in message_of(lambda: exported(measured, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["models.config"]


def test_a_full_disk_is_one_line_and_nothing_is_left(measured, tmp_path, message_of, monkeypatch):
    from tensorflow.errors import ResourceExhaustedError

    def write_out(archive, folder, verbose):
        raise ResourceExhaustedError(None, None, f"{folder}/variables/part; No space left on device")

    monkeypatch.setattr(type(keras.export.ExportArchive()), "write_out", write_out)

    message = message_of(lambda: exported(measured, tmp_path))

    assert message.startswith(f"{tmp_path / 'tiny'}: No space left on device. Free some space there")
    assert [path.name for path in (tmp_path / "tiny").iterdir()] == [".lock"]


def test_weights_that_are_not_numbers_are_not_shipped(measured, random_analysis, tmp_path):
    model = keras.models.clone_model(measured.model)
    model.layers[-1].set_weights([np.full((7, 3), np.nan, np.float32), np.zeros(3, np.float32)])

    with pytest.raises(ExportFailed, match=r"NaN or infinite. Look for diverged weights"):
        fm_keras.export(model, random_analysis(model), to=tmp_path, name="broken")


def test_a_process_that_is_killed_during_export_leaves_no_version(measured, tmp_path):
    measured.model.save(tmp_path / "model.keras")
    measured.analysis.save(tmp_path / "analysis")
    folder = tmp_path / "served"
    command = [sys.executable, "-c", KILLED, *map(str, (tmp_path / "model.keras", tmp_path / "analysis", folder))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (partial,) = (folder / "tiny").glob(".partial-*")
    assert (partial / "saved_model.pb").is_file()  # it was well on its way
    assert not [path for path in (folder / "tiny").iterdir() if path.name.isdecimal()]


@pytest.mark.parametrize("name", ["", "a/b", "..", "7", "latest model", "ü", "a\n"])
def test_a_name_that_no_url_could_hold_is_refused(measured, tmp_path, message_of, name):
    if name:
        assert "A served model cannot be called" in message_of(lambda: exported(measured, tmp_path, name=name))
    assert list(tmp_path.iterdir()) == []


def test_another_backend_is_refused_in_one_line_that_says_what_would_do(measured, tmp_path, message_of, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    message = message_of(lambda: exported(measured, tmp_path))

    assert "KERAS_BACKEND is 'jax'" in message and "Set KERAS_BACKEND=tensorflow" in message
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_puts_out_no_logits_is_refused(random_analysis, tmp_path, message_of):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, "relu", name="hidden"), layers.Dense(2, "sigmoid", name="out")]
    )

    assert "ends in sigmoid" in message_of(lambda: fm_keras.export(model, random_analysis(model), to=tmp_path))
