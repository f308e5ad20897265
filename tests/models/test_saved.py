import keras
import pytest

from fm_keras.models import read_model

CUSTOM = """
import keras
@keras.saving.register_keras_serializable("mine")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


def saved(tmp_path, *layers):
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2)]).save(path)
    return path


def test_a_saved_model_comes_back_with_its_weights(tmp_path):
    path = saved(tmp_path, keras.layers.Dense(3))

    first, second = read_model(path), keras.saving.load_model(path)

    for one, other in zip(first.get_weights(), second.get_weights()):
        assert (one == other).all()


def test_a_file_that_is_none_is_one_line(tmp_path, message_of):
    assert message_of(read_model, tmp_path / "m.keras") == f"There is no file {tmp_path}/m.keras."


def test_a_damaged_file_is_one_line(tmp_path, message_of):
    path = saved(tmp_path, keras.layers.Dense(3))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    assert message_of(read_model, path).startswith(f"{path} is damaged or no Keras model.")


def test_a_custom_layer_needs_the_module_that_registers_it(tmp_path, message_of, monkeypatch):
    (tmp_path / "doubled_for_test.py").write_text(CUSTOM)
    monkeypatch.syspath_prepend(tmp_path)
    from doubled_for_test import Doubled

    path = saved(tmp_path, Doubled())
    with keras.saving.custom_object_scope({}):
        objects = keras.saving.get_custom_objects()
        name = next(key for key, value in objects.items() if value is Doubled)
        monkeypatch.delitem(objects, name)
        monkeypatch.delitem(__import__("sys").modules, "doubled_for_test")
        said = message_of(read_model, path)
        model = read_model(path, modules=["doubled_for_test"])

    assert "does not know its layer 'Doubled'" in said and "--import MODULE" in said
    assert type(model.layers[0]).__name__ == "Doubled"


def test_a_lambda_is_not_run(tmp_path, message_of):
    path = saved(tmp_path, keras.layers.Lambda(lambda x: x))

    assert "it holds a Lambda layer, which can run any code" in message_of(read_model, path)


@pytest.mark.parametrize("name", ["m.h5", "m.txt"])
def test_another_kind_of_file_is_refused(tmp_path, message_of, name):
    (tmp_path / name).write_text("something")

    assert "It must be a .keras file" in message_of(read_model, tmp_path / name)
