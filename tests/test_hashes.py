"""Content hashes: equal for equal content, and for nothing else."""

import keras
import numpy as np

from fm_keras.hashes import folder_hashes, model_hash


def small_model(units=3):
    body = keras.Sequential([keras.layers.Conv2D(2, 3, name="conv"), keras.layers.BatchNormalization()], name="block")
    images = keras.Input((5, 5, 1))
    outputs = keras.layers.Dense(units)(keras.layers.Flatten()(body(images)))
    return keras.Model(images, outputs)


def test_a_models_hash_survives_saving_and_compiling(tmp_path):
    model = small_model()
    before = model_hash(model)
    model.compile("sgd", "mse")
    model.save(tmp_path / "model.keras")

    assert model_hash(model) == before
    assert model_hash(keras.saving.load_model(tmp_path / "model.keras")) == before


def test_a_models_hash_changes_with_one_weight_and_with_its_config():
    model = small_model()
    hashes = {model_hash(model), model_hash(small_model(units=4))}
    kernel = model.get_layer("block").get_layer("conv").kernel

    kernel.assign(kernel.numpy() + np.eye(3)[:, :, None, None] * 1e-3)

    assert model_hash(model) not in hashes
    assert len(hashes) == 2


def test_the_files_of_a_folder_are_hashed_by_their_paths_inside(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("abc")

    assert folder_hashes(tmp_path) == {"a/b.txt": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
