"""What units contribute to the logits: derivatives of a literal model, laws, and a network worked out by hand."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from fm_keras.slicing import GatedModel, cut_points, unit_contributions

FEW = settings(max_examples=5, deadline=None, derandomize=True)


def numbers(tensor):
    return ops.convert_to_numpy(tensor).astype(float)


def images(count=4):
    return np.random.default_rng(1).normal(size=(count, 6, 6, 2)).astype("float32")


def state(model):
    return [weight.copy() for weight in model.get_weights()], [layer.trainable for layer in model.layers]


def assert_untouched(model, before):
    for one, other in zip(before[0], model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [layer.trainable for layer in model.layers] == before[1]


class TestLaws:
    @FEW
    @given(data=st.data())
    def test_finite_differences_of_literal_gates_give_the_contributions_also_with_units_silenced(
        self, architectures, data
    ):
        drawn, x = data.draw(architectures(smooth=True)), images()
        model, (literal, scales) = drawn.model(), drawn.literal()
        before, cuts = state(model), {cut.layer: cut.units for cut in cut_points(model)}
        assert set(cuts) == set(scales)
        silenced = {layer: sorted(data.draw(st.sets(st.integers(0, cuts[layer] - 1), max_size=1))) for layer in cuts}
        open_gates = {layer: np.isin(np.arange(units), silenced[layer], invert=True) for layer, units in cuts.items()}
        for layer, gates in open_gates.items():
            scales[layer].factors.assign(gates)

        found = GatedModel(model).contributions(x, silenced=silenced)

        np.testing.assert_allclose(found.logits, numbers(literal(x, training=False)), rtol=1e-4, atol=1e-5)
        for layer, values in found.units.items():
            assert values.shape == (4, cuts[layer], 3)
            assert not values[:, silenced[layer]].any()
            direction = np.random.default_rng(2).normal(size=cuts[layer]) * open_gates[layer]
            moved = []
            for step in (0.01, -0.01, 0):
                scales[layer].factors.assign(open_gates[layer] + step * direction)
                moved.append(numbers(literal(x, training=False)))
            slopes = np.einsum("u,nuk->nk", direction, values)
            differences = (moved[0] - moved[1]) / 0.02
            np.testing.assert_allclose(slopes, differences, rtol=5e-3, atol=5e-3 * np.abs(values).max())
        assert_untouched(model, before)

    @FEW
    @given(data=st.data())
    def test_contributions_of_a_homogeneous_network_add_up_to_its_logits_wherever_a_cut_parts_it(
        self, architectures, data
    ):
        model = data.draw(architectures(homogeneous=True)).model()

        logits, contributions = unit_contributions(model, images())

        assert logits.any() and list(contributions) == [cut.layer for cut in cut_points(model)]
        parting = [layer for layer in contributions if not layer.endswith(("_side", "_a", "_b"))]
        assert parting
        for layer in parting:
            np.testing.assert_allclose(contributions[layer].sum(axis=1), logits, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("silenced", [{"first": [0, 1, 2]}, {"first": [0, 1, 2], "other": [0]}])
    def test_a_layer_that_is_silenced_whole_is_no_missing_gradient(self, silenced, rng):
        x = keras.Input((4,))
        first = layers.Dense(3, "relu", name="first")(x)
        middle = layers.Dense(3, use_bias=False, name="middle")(first)
        second = layers.Dense(2, use_bias=False, name="second")(middle)
        other = layers.Dense(2, name="other")(first)
        model = keras.Model(x, layers.Dense(2)(layers.Add(name="add")([second, other])))
        model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])

        found = GatedModel(model).contributions(rng.normal(size=(5, 4)).astype("float32"), silenced=silenced)

        assert not any(found.units[layer].any() for layer in ("first", "middle", "second"))
        assert found.units["add"].any()


@pytest.fixture(scope="module")
def by_hand():
    """Three units, two behind them, two logits.

    Image 0 makes units (3, 1, 0); h = relu(3 + 1, -3) = (4, 0); z = 4 (1, 2) + 0 (7, 7) = (4, 8).  Only the way
    through h_0 is open: unit 0 contributes 3 (1, 2), unit 1 (1, 2), unit 2 nothing.
    Image 1 makes units (0, 0, 1); h = (0, 1); z = (7, 7).  Only the way through h_1 is open: unit 2 contributes (7, 7).
    """
    x = keras.Input((3,))
    hidden = layers.Dense(3, "relu", use_bias=False, name="hidden")(x)
    second = layers.Dense(2, "relu", use_bias=False, name="second")(hidden)
    model = keras.Model(x, layers.Dense(2, "softmax", use_bias=False, name="out")(second))
    model.set_weights([np.eye(3), np.array([[1, -1], [1, 0], [0, 1]]), np.array([[1, 2], [7, 7]])])
    return model, np.array([[3, 1, -2], [-1, 0, 1]], "float32")


class TestKnownAnswers:
    def test_a_network_of_three_units_contributes_what_was_worked_out(self, by_hand):
        logits, contributions = unit_contributions(*by_hand)

        assert logits.tolist() == [[4, 8], [7, 7]]
        assert contributions["hidden"].tolist() == [[[3, 6], [1, 2], [0, 0]], [[0, 0], [0, 0], [7, 7]]]
        assert contributions["second"].tolist() == [[[4, 8], [0, 0]], [[0, 0], [7, 7]]]
        assert {logits.dtype, *(values.dtype for values in contributions.values())} == {np.dtype("float32")}

    def test_without_its_first_unit_it_contributes_what_was_worked_out(self, by_hand):
        # Image 0: units (0, 1, 0), h = (1, 0), z = (1, 2), all of it by unit 1.
        model, x = by_hand

        found = GatedModel(model, layers=["hidden"]).contributions(x, silenced={"hidden": [0]})

        assert found.logits.tolist() == [[1, 2], [7, 7]]
        assert found.units["hidden"].tolist() == [[[0, 0], [1, 2], [0, 0]], [[0, 0], [0, 0], [7, 7]]]

    def test_positions_add_up(self):
        # One channel with the weight 2: a = 2 x, and the average over four positions takes a quarter of each to z.
        x = keras.Input((2, 2, 1))
        hidden = layers.Conv2D(1, 1, use_bias=False, name="conv")(x)
        model = keras.Model(x, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D()(hidden)))
        model.set_weights([np.full((1, 1, 1, 1), 2), np.array([[1, -1]])])

        _, contributions = unit_contributions(model, np.array([[[[1], [2]], [[3], [-4]]]], "float32"))

        assert contributions["conv"].tolist() == [[[1, -1]]]


@pytest.fixture(scope="module")
def of_twenty():
    """Twenty logits, eight images, and their labels."""
    rng = np.random.default_rng(3)
    x = keras.Input((5,))
    hidden = layers.Dense(6, "relu", name="second")(layers.Dense(4, "relu", name="first")(x))
    model = keras.Model(x, layers.Dense(20)(hidden))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model, rng.normal(size=(8, 5)).astype("float32"), rng.integers(20, size=8)


class TestManyLabels:
    def test_the_label_and_the_largest_logits_are_kept_and_all_else_is_zero(self, of_twenty):
        model, x, labels = of_twenty
        logits, whole = unit_contributions(model, x, outputs=20)

        again, kept = unit_contributions(model, x, labels=labels, outputs=4)

        np.testing.assert_allclose(again, logits, rtol=1e-6)
        order = np.argsort(-logits, axis=1)
        for image, label in enumerate(labels):
            chosen = {label, *[output for output in order[image] if output != label][:3]}
            off = [output for output in range(20) if output not in chosen]
            for layer, values in kept.items():
                assert not values[image][:, off].any()
                np.testing.assert_allclose(
                    values[image][:, sorted(chosen)], whole[layer][image][:, sorted(chosen)], rtol=1e-5, atol=1e-6
                )
        assert whole["second"].any(axis=(0, 1)).all()

    def test_without_labels_the_largest_logits_are_kept(self, of_twenty):
        model, x, _ = of_twenty
        found = GatedModel(model, layers=["second"], outputs=3).contributions(x)

        np.testing.assert_array_equal(found.outputs, np.argsort(-found.logits, axis=1)[:, :3])
        assert found.units["second"].shape == (8, 6, 3)

    def test_more_outputs_than_logits_are_all(self, of_twenty):
        model, x, labels = of_twenty
        found = GatedModel(model, layers=["second"], outputs=99).contributions(x, labels)

        assert found.chosen is None
        assert found.outputs.tolist() == [list(range(20))] * 8


class TestKinds:
    def test_named_inputs_contribute_and_their_order_does_not_matter(self, rng):
        left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
        parts = [layers.Dense(2, use_bias=False, name=name)(x) for name, x in (("a", left), ("b", right))]
        joined = layers.Concatenate(name="join")(parts)
        model = keras.Model({"right": right, "left": left}, layers.Dense(2, use_bias=False)(joined))
        x = {"left": rng.normal(size=(5, 4)).astype("float32"), "right": rng.normal(size=(5, 3)).astype("float32")}

        logits, contributions = unit_contributions(model, x)

        np.testing.assert_allclose(logits, model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
        both = np.concatenate([contributions["a"], contributions["b"]], axis=1)
        np.testing.assert_allclose(both, contributions["join"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(both.sum(axis=1), logits, rtol=1e-5, atol=1e-6)

    def test_tokens_behind_a_mask_keep_it(self, rng):
        tokens = keras.Input((5,), dtype="int32")
        x = layers.Dense(3, use_bias=False, name="tokens")(layers.Embedding(7, 4, mask_zero=True)(tokens))
        model = keras.Model(tokens, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling1D()(x)))
        model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
        x = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 1]], "int32")

        logits, contributions = unit_contributions(model, x)

        np.testing.assert_allclose(logits, model.predict(x, verbose=0), rtol=1e-5)
        np.testing.assert_allclose(contributions["tokens"].sum(axis=1), logits, rtol=1e-5)

    @pytest.mark.parametrize("whose", ["model", "caller"])
    def test_a_mixed_policy_makes_float32_contributions(self, whose):
        def build():
            x = keras.Input((6, 6, 2))
            made = layers.Flatten()(layers.Conv2D(3, 3, activation="relu", name="conv")(x))
            model = keras.Model(x, layers.Dense(3, name="out")(made))
            rng = np.random.default_rng(0)
            model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
            return model

        expected = unit_contributions(build(), images())
        policy, model = keras.config.dtype_policy(), build()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            logits, contributions = unit_contributions(build() if whose == "model" else model, images())
        finally:
            keras.config.set_dtype_policy(policy)

        assert (logits.dtype, contributions["conv"].dtype) == (np.float32, np.float32)
        tolerance = 0.02 * np.abs(expected[0]).max() if whose == "model" else 1e-5
        np.testing.assert_allclose(logits, expected[0], atol=tolerance)
        np.testing.assert_allclose(contributions["conv"], expected[1]["conv"], atol=tolerance)

    def test_channels_first_counts_units_and_not_rows(self, rng):
        last = self.network_of("channels_last", (4, 4, 2))
        first = self.network_of("channels_first", (2, 4, 4))
        first.set_weights(last.get_weights())
        x = rng.normal(size=(3, 4, 4, 2)).astype("float32")

        logits, contributions = unit_contributions(last, x)
        moved_logits, moved = unit_contributions(first, np.moveaxis(x, -1, 1))

        np.testing.assert_allclose(moved_logits, logits, rtol=1e-5, atol=1e-6)
        assert moved["conv"].shape == (3, 4, 2) and moved["conv"].any()
        np.testing.assert_allclose(moved["conv"], contributions["conv"], rtol=1e-4, atol=1e-6)

    @staticmethod
    def network_of(data_format, shape):
        keras.utils.set_random_seed(0)
        x = keras.Input(shape)
        y = layers.Conv2D(4, 3, padding="same", data_format=data_format, activation="relu", name="conv")(x)
        y = layers.GlobalAveragePooling2D(data_format=data_format)(y)
        return keras.Model(x, layers.Dense(2)(y))


def test_names_of_gates_leave_those_of_the_users_layers_and_inputs_alone():
    def network(first, *names):
        keras.utils.set_random_seed(0)
        x = y = keras.Input((4,), name=first)
        for name in names:
            y = layers.Dense(3, "relu", name=name)(y)
        return keras.Model(x, layers.Dense(2)(y))

    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    logits, plain = unit_contributions(network("x", "a", "b", "c"), x)
    same, found = unit_contributions(network("gate_1", "gate_3", "gate_2", "c"), x)
    np.testing.assert_array_equal(same, logits)
    for layer, contributions in zip(("gate_3", "gate_2", "c"), plain.values()):
        np.testing.assert_array_equal(found[layer], contributions)
