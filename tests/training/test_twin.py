import keras
import numpy as np

from fm_keras.training.twin import training_twin


def nested_model() -> keras.Model:
    layers = keras.layers
    block = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3, name="conv"), layers.ReLU()], name="block")
    image = keras.Input((6, 6, 2))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Flatten()(layers.SpatialDropout2D(0.5, name="drop")(block(x)))
    return keras.Model(image, layers.Softmax(name="softmax")(layers.Dense(4, name="logits")(x)))


def test_a_twin_in_float32_computes_what_the_model_does(rng):
    model = nested_model()
    twin = training_twin(model, precision="float32", l2=0.0, seed=0)
    x = rng.normal(size=(5, 6, 6, 2)).astype("float32")
    np.testing.assert_allclose(twin.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_pixels_logits_and_softmax_stay_float32_and_the_rest_takes_the_precision():
    twin = training_twin(nested_model(), precision="mixed_bfloat16", l2=0.0, seed=0)
    computed = {layer.name: layer.compute_dtype for layer in twin.layers}
    assert twin.get_layer("block").get_layer("conv").compute_dtype == "bfloat16"
    assert [computed[name] for name in ("logits", "softmax")] == ["float32", "float32"]
    assert next(layer for layer in twin.layers if layer.name.startswith("rescaling")).compute_dtype == "float32"


def test_every_kernel_without_a_penalty_of_its_own_gets_one():
    twin = training_twin(nested_model(), precision="float32", l2=0.25, seed=0)
    kernels = [w for w in twin.trainable_variables if w.name == "kernel"]
    expected = sum(0.25 * float(np.square(kernel.numpy()).sum()) for kernel in kernels)
    assert len(twin.losses) == 2
    np.testing.assert_allclose(sum(float(loss) for loss in twin.losses), expected, rtol=1e-5)


def test_layers_that_draw_at_random_get_a_seed():
    twins = [training_twin(nested_model(), precision="float32", l2=0.0, seed=seed) for seed in (7, 7, 8)]
    x = np.ones((1, 6, 6, 2), "float32")
    one, same, other = (keras.ops.convert_to_numpy(twin(x, training=True)) for twin in twins)
    drops = [twin.get_layer("drop").get_config()["seed"] for twin in twins]
    assert drops[0] == drops[1] != drops[2]
    assert one.shape == same.shape == other.shape


def test_training_the_twin_leaves_the_model_alone(rng):
    model = nested_model()
    before = model.get_weights()
    twin = training_twin(model, precision="float32", l2=0.0, seed=0)
    twin.compile("sgd", loss="sparse_categorical_crossentropy", jit_compile=False)
    twin.fit(rng.normal(size=(8, 6, 6, 2)), rng.integers(0, 4, 8), verbose=0)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_a_normalization_that_was_adapted_acts_in_the_twin(rng):
    normalize = keras.layers.Normalization()
    normalize.adapt(rng.normal(50, 20, size=(100, 3)))
    model = keras.Sequential([keras.Input((3,)), normalize, keras.layers.Dense(2)])
    x = rng.normal(50, 20, size=(5, 3)).astype("float32")
    twin = training_twin(model, precision="float32", l2=0.0, seed=0)
    np.testing.assert_allclose(twin.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)
