"""What people read when something is wrong: the whole output, word for word."""

import keras
import pytest

KNOWN = (
    "vgg16, vgg11, vgg6, avgg6, avgg8, avgg13, avgg14, avgg16, lenet5, lenet, resnet20, resnet32, resnet44, resnet56, "
    "cct2, cct4, cct7"
)


@pytest.fixture
def fails(command):
    """Everything that a failing command says."""

    def run(*words):
        outcome = command(*words)
        assert (outcome.code, outcome.out) == (1, "")
        return outcome.err

    return run


def test_an_unknown_model(fails):
    assert fails("run", "--model", "vgg99") == f"Error: There is no model 'vgg99'. Models: {KNOWN}.\n"


def test_a_setting_that_the_model_does_not_have(fails):
    having = "avgg6, avgg8, avgg13, avgg14, avgg16"
    said = f"Error: Model vgg16 has no pool_order; leave it out. It is a setting of: {having}.\n"

    assert fails("run", "--pool-order", "max_average") == said


def test_a_folder_of_images_that_is_not_there(fails):
    assert fails("run", "--dataset", "folder:nowhere") == "Error: folder:nowhere: there is no folder nowhere.\n"


def test_an_unknown_label(fails):
    said = "Error: digits has no label 'cat'. Labels 0 to 9: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.\n"

    assert fails("run", "--labels", "1,cat") == said


def test_no_run_to_show(fails, tmp_path):
    said = f"Error: There is no run 'latest'. There are no runs in {tmp_path}: fm-keras run makes one.\n"

    assert fails("show", "--runs-dir", tmp_path) == said


def test_nothing_to_resume(fails, tmp_path, small):
    said = f"Error: There is no run {tmp_path}/digits-lenet5 to go on with. Leave --resume out to start it.\n"

    assert fails("run", *small, "--runs-dir", tmp_path, "--resume", "--quiet") == said


def test_a_layer_that_was_not_measured(fails, runs_dir):
    said = "Error: small has no layer 'conv9'. It has: conv1, conv2, fc1, fc2.\n"

    assert fails("show", "small", "--runs-dir", runs_dir, "--layer", "conv9") == said


def test_a_filter_that_is_not_there(fails, runs_dir):
    said = "Error: conv1 has filters 0 to 5; there is no 6.\n"

    assert fails("show", "small", "--runs-dir", runs_dir, "--layer", "conv1", "--filter", "6") == said


def test_an_unknown_column(fails, runs_dir):
    said = fails("show", "small", "--runs-dir", runs_dir, "--sort", "beauty")

    assert said.splitlines()[-1].startswith("Error: There is no column 'beauty'. Columns: layer, units, positions,")


def test_another_run_of_the_same_name(fails, runs_dir, small):
    words = ["run", *small, "--epochs", "5", "--name", "small", "--runs-dir", runs_dir, "--quiet"]

    assert fails(*words) == (
        f"Error: {runs_dir}/small has train.epochs 3 instead of 5. Choose another name for this one.\n"
    )


def test_a_file_that_is_no_model(fails, tmp_path):
    file = tmp_path / "m.keras"
    file.write_bytes(b"PK\x03\x04 broken off")
    said = "is damaged or no Keras model. It must be a .keras file, as model.save writes it.\n"

    assert fails("layers", file) == f"Error: {file} {said}"


def test_a_model_that_is_not_there(fails, tmp_path):
    assert fails("layers", tmp_path / "m.keras") == f"Error: There is no file {tmp_path}/m.keras.\n"


def test_a_model_that_cannot_be_cut_says_why(fails, tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="flat").save(tmp_path / "flat.keras")
    said = "Error: Model 'flat' cannot be cut: before its output it has no layer with units on a map of known size.\n"

    assert fails("layers", tmp_path / "flat.keras") == said


def test_images_that_do_not_fit_the_model(fails, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)], name="flat")
    model.save(tmp_path / "flat.keras")

    said = fails("analyze", tmp_path / "flat.keras", "--dataset", "digits", "--to", tmp_path / "a", "--quiet")

    assert said == (
        "Error: Model 'flat' takes images of shape (4,), but those of digits are (8, 8, 1). "
        "Resize the images, or build the model for their shape.\n"
    )


def test_a_module_that_cannot_be_imported(fails, tmp_path):
    said = "Error: Module 'no_such_module' cannot be imported: No module named 'no_such_module'.\n"

    assert fails("layers", tmp_path / "m.keras", "--import", "no_such_module") == said
