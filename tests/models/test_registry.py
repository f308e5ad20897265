"""Every architecture by name: defaults, refusals, shapes, save and load."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.models import (
    ARCHITECTURES,
    ModelSpec,
    architecture,
    build_model,
    enlargement,
    full_spec,
    input_size,
    model_names,
    suited_spec,
)

# Keras' Variable.__array__ has no `copy` argument, which NumPy 2 warns of whenever weights are read.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LOAD_AND_PREDICT = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
np.save(sys.argv[3], np.asarray(model(np.load(sys.argv[2]))))
sys.exit("fm_keras" in sys.modules)
"""


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize(("width", "image_shape"), [(2, (8, 8, 1)), (3, (48, 40, 3))])
def test_every_network_takes_any_width_image_shape_and_label_count(name, width, image_shape):
    model = build_model(ModelSpec(name=name, width=width, image_shape=image_shape, labels=3))
    assert model.input_shape == (None, *image_shape)
    assert model.output_shape == (None, 3)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert not model.compiled


@pytest.mark.parametrize("name", model_names())
def test_the_table_says_how_many_convolutions_a_network_has(name):
    model = build_model(ModelSpec(name=name, width=2))
    assert architecture(name).convs == sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)


@pytest.mark.parametrize("name", model_names())
def test_the_smallest_image_of_a_network_survives_its_pools_and_one_pixel_less_is_padded(name):
    smallest = architecture(name).smallest
    assert not added_layers(ModelSpec(name=name, width=1, image_shape=(smallest, smallest, 1)))
    assert added_layers(ModelSpec(name=name, width=1, image_shape=(smallest, smallest - 1, 1))) == {"pad"}


@pytest.mark.parametrize("name", [name for name in model_names() if architecture(name).heads is None])
def test_of_the_smallest_image_one_position_is_left(name):
    smallest = architecture(name).smallest
    flat = build_model(ModelSpec(name=name, width=1, image_shape=(smallest, smallest, 1))).get_layer("flatten")
    assert flat.input.shape[1:3] == (1, 1)


def added_layers(spec):
    return {layer.name for layer in build_model(spec).layers} & {"enlarge", "pad"}


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_convolution_has_a_batch_norm_or_a_bias(name, batch_norm):
    model = build_model(ModelSpec(name=name, width=2, batch_norm=batch_norm))
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert {conv.use_bias for conv in convs} == {not batch_norm}
    norms = {layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert norms == ({f"{conv.name}_bn" for conv in convs} if batch_norm else set())


@pytest.mark.parametrize("name", model_names())
def test_the_head_is_one_dense_layer_or_three(name):
    for head, number in (("one", 1), ("three", 3)):
        model = build_model(ModelSpec(name=name, width=2, head=head))
        behind = [layer.name for layer in model.layers][model.layers.index(model.get_layer("flatten")) + 1 :]
        dense = [layer for layer in behind if isinstance(model.get_layer(layer), keras.layers.Dense)]
        assert dense == ["fc1", "fc2", "predictions"][-number:]
        assert model.layers[-1].activation is keras.activations.linear


def test_a_full_spec_has_no_open_setting_and_is_its_own_full_spec():
    full = full_spec(ModelSpec(name="avgg16", width=4))
    assert (full.batch_norm, full.head, full.pool_order, full.dense_widths) == (
        True,
        "three",
        "average_max",
        (256, 256),
    )
    assert full_spec(full) == full
    assert full_spec(ModelSpec()).width == 16
    assert full_spec(ModelSpec(name="lenet5")).width == 6


def test_a_setting_that_an_architecture_does_not_have_is_refused():
    with pytest.raises(InvalidInput, match=r"Model vgg16 has no pool_order.* avgg6, avgg8, avgg13, avgg14, avgg16\."):
        build_model(ModelSpec(pool_order="average_max"))
    with pytest.raises(InvalidInput, match=r"Model vgg6 has no depth_ratio.* lenet5, lenet\."):
        build_model(ModelSpec(name="vgg6", depth_ratio=2))
    with pytest.raises(InvalidInput, match=r"Model vgg16 has no heads; .* of: cct2, cct4, cct7\."):
        build_model(ModelSpec(heads=2))
    with pytest.raises(InvalidInput, match=r"dense_widths \(8, 8\) need head='three'; vgg16 has head='one' here\."):
        build_model(ModelSpec(dense_widths=(8, 8)))


@pytest.mark.parametrize("name", ["vgg16", "vgg11", "vgg6", "avgg6", "avgg13", "resnet20", "resnet32"])
def test_block_widths_are_the_filters_of_the_convolutions_of_each_block(name):
    blocks = architecture(name).blocks
    widths = tuple(range(3, 3 + len(blocks)))
    model = build_model(ModelSpec(name=name, block_widths=widths))
    convs = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convs == [width for width, number in zip(widths, blocks) for _ in range(number)]


@pytest.mark.parametrize("name", ["vgg16", "avgg8", "resnet20"])
def test_the_block_widths_of_a_width_make_the_same_network(name):
    widths = {"vgg16": (2, 4, 8, 16, 16), "avgg8": (2, 4, 8, 16, 16), "resnet20": (2, 4, 8)}[name]
    by_width, by_blocks = (build_model(ModelSpec(name=name, **how)) for how in ({"width": 2}, {"block_widths": widths}))
    assert by_width.get_config() == by_blocks.get_config()


def test_block_widths_say_the_width_whatever_would_suit_the_images():
    asked = ModelSpec(block_widths=(5, 6, 7, 8, 9))
    assert full_spec(asked).width == 5
    assert suited_spec(asked, preset="paper", train_images=100).width == 5


def test_block_widths_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match=r"Model vgg16 has 5 blocks; received block_widths \(4, 8\)\."):
        build_model(ModelSpec(block_widths=(4, 8)))
    with pytest.raises(InvalidInput, match=r"Model lenet has no block_widths; its two widths are width and depth_rat"):
        build_model(ModelSpec(name="lenet", block_widths=(4, 8)))
    with pytest.raises(InvalidInput, match=r"Model cct2 has no block_widths; all encoder blocks have its width\."):
        build_model(ModelSpec(name="cct2", block_widths=(4, 8)))
    with pytest.raises(InvalidInput, match=r"The width 3 is not that of the block_widths \(4, 8, 8\): leave width out"):
        build_model(ModelSpec(name="resnet20", width=3, block_widths=(4, 8, 8)))


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(InvalidInput, match=r"There is no model 'vgg17'\. Models: vgg16, vgg11, vgg6, .*, cct7\."):
        build_model(ModelSpec(name="vgg17"))


def test_the_size_of_the_network_s_images_is_known_without_building_it():
    digits = ModelSpec(image_shape=(8, 8, 1))
    assert (enlargement(digits), input_size(digits)) == (4, (32, 32))
    assert build_model(digits).get_layer("scale").output.shape == (None, 32, 32, 1)
    mnist = ModelSpec(image_shape=(28, 28, 1))
    assert (enlargement(mnist), input_size(mnist)) == (1, (32, 32))
    assert enlargement(ModelSpec(name="lenet5", image_shape=(8, 8, 1))) == 2


def test_one_seed_gives_the_same_weights_and_another_seed_others():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return build_model(ModelSpec(name="avgg6", width=2)).get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first[0], other[0])


def test_a_network_is_built_in_float32_under_any_policy_and_leaves_the_policy_alone():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(ModelSpec(name="vgg6", width=1))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


@pytest.mark.parametrize("name", ["avgg8", "cct2"])
def test_a_saved_network_loads_in_safe_mode_where_fm_keras_was_never_imported(name, tmp_path):
    model = build_model(ModelSpec(name=name, width=2, image_shape=(7, 9, 1)))
    images = np.random.default_rng(0).integers(0, 256, (3, 7, 9, 1)).astype("uint8")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "logits.npy")]
    done = subprocess.run([sys.executable, "-c", LOAD_AND_PREDICT, *paths], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    np.testing.assert_allclose(np.load(paths[2]), np.asarray(model(images)), rtol=1e-5, atol=1e-6)


def test_listing_the_networks_imports_neither_keras_nor_tensorflow():
    code = (
        "import json, sys; from fm_keras.models import ModelSpec, enlargement, model_names; enlargement(ModelSpec());"
        "print(json.dumps([model_names(), sorted({'keras', 'tensorflow'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[each.name for each in ARCHITECTURES], []]


@pytest.mark.parametrize(
    ("asked", "preset", "images", "width", "head"),
    [
        (ModelSpec(), "quick", 1_438, 8, "one"),
        (ModelSpec(), "quick", 50_000, 16, "one"),
        (ModelSpec(), "paper", 1_438, 64, "three"),
        (ModelSpec(name="avgg14"), "paper", 50_000, 64, "one"),
        (ModelSpec(name="cct7"), "paper", 50_000, 256, "one"),
        (ModelSpec(name="cct7"), "quick", 50_000, 64, "one"),
        (ModelSpec(name="lenet5"), "paper", 50_000, 6, "three"),
        (ModelSpec(name="lenet5"), "quick", 1_438, 6, "three"),
        (ModelSpec(width=4, head="one"), "paper", 50_000, 4, "one"),
    ],
)
def test_open_widths_and_heads_suit_preset_and_images_and_explicit_ones_stay(asked, preset, images, width, head):
    suited = suited_spec(asked, preset=preset, train_images=images)

    assert (suited.width, suited.head) == (width, head)
