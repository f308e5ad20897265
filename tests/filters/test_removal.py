from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.filters import choose_units, image_costs, removal, removal_cost

VALUES = st.floats(-30, 30, width=32)
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5))


def problems(shapes=SHAPES, dtype=np.float64):
    """Logits (N, K), contributions (N, U, K) and labels (N,)."""
    return shapes.flatmap(
        lambda shape: st.tuples(
            arrays(dtype, shape[::2], elements=VALUES),
            arrays(dtype, shape, elements=VALUES),
            arrays(int, shape[:1], elements=st.integers(0, shape[2] - 1)),
        )
    )


def cross_entropy(logits, label):
    """Of one image, in a way that survives logits far apart."""
    return np.logaddexp.reduce(logits) - logits[label]


def literal_costs(logits, contributions, labels):
    return [
        [cross_entropy(z - c, y) - cross_entropy(z, y) for c in of_units]
        for z, of_units, y in zip(logits, contributions, labels, strict=True)
    ]


def fixed(logits, contributions):
    """A network whose contributions stay as they are."""
    return lambda removed: (np.asarray(logits, float), np.asarray(contributions, float))


class TestCost:
    def test_three_units_of_a_small_network_cost_what_was_worked_out_by_hand(self):
        # Output weights in units of ln 3: unit 0 (2, 0), unit 1 (-1, 0), unit 2 (0, 0).
        # Image 0, label 0, activations (1, 1, 1): z = (1, 0), p = (3/4, 1/4), CE = ln 4/3.
        #   without unit 0: z = (-1, 0), CE = ln 4, costs ln 3;  without unit 1: z = (2, 0), CE = ln 10/9, costs ln 5/6.
        # Image 1, label 1, activations (0, 1, 1): z = (-1, 0), p = (1/4, 3/4), CE = ln 4/3.
        #   without unit 0 as before, costs 0;  without unit 1: z = (0, 0), CE = ln 2, costs ln 3/2.
        weights = np.log(3) * np.array([[2, 0], [-1, 0], [0, 0]])
        contributions = np.array([[1, 1, 1], [0, 1, 1]])[:, :, None] * weights
        logits, labels = contributions.sum(axis=1), np.array([0, 1])

        costs = image_costs(logits, contributions, labels)

        np.testing.assert_allclose(costs, np.log([[3, 5 / 6, 1], [1, 3 / 2, 1]]), atol=1e-12)
        quality = removal_cost(logits, contributions, labels)
        np.testing.assert_allclose(quality, [np.log(3) / 2, np.log(5 / 4) / 2, 0], atol=1e-12)

    @given(problems())
    def test_it_equals_the_difference_of_two_cross_entropies(self, problem):
        expected = literal_costs(*problem)
        np.testing.assert_allclose(image_costs(*problem), expected, atol=1e-9)
        np.testing.assert_allclose(removal_cost(*problem), np.mean(expected, axis=0), atol=1e-9)

    @given(problems(dtype=np.float32))
    def test_float32_stays_float32_and_the_means_are_float64(self, problem):
        logits, contributions, labels = problem
        costs = image_costs(*problem)
        assert (costs.dtype, removal_cost(*problem).dtype) == (np.float32, np.float64)
        wide = image_costs(logits.astype(float), contributions.astype(float), labels)
        np.testing.assert_allclose(costs, wide, atol=1e-4)

    @given(problems(dtype=np.float32))
    def test_a_unit_without_contributions_costs_exactly_nothing(self, problem):
        logits, contributions, labels = problem
        contributions[:, 0] = 0
        assert (image_costs(logits, contributions, labels)[:, 0] == 0).all()

    def test_nor_does_it_where_every_image_is_a_block(self, rng, monkeypatch):
        monkeypatch.setattr(removal, "_BLOCK_BYTES", 1)
        logits = rng.normal(size=(50, 12)).astype(np.float32)
        assert (image_costs(logits, np.zeros((50, 7, 12), np.float32), rng.integers(12, size=50)) == 0).all()

    @given(problems(), st.floats(-30, 30))
    def test_the_same_constant_on_all_outputs_changes_nothing(self, problem, constant):
        logits, contributions, labels = problem
        shifted = removal_cost(logits, contributions + constant, labels)
        np.testing.assert_allclose(shifted, removal_cost(*problem), atol=1e-9)

    @given(problems(), st.data())
    def test_contributions_to_some_outputs_are_zero_on_all_others(self, problem, data):
        logits, contributions, labels = problem
        outputs = np.array([data.draw(st.permutations(range(logits.shape[1]))) for _ in labels])
        outputs = outputs[:, : data.draw(st.integers(1, logits.shape[1]))]
        dense = np.zeros_like(contributions)
        image, given_to = np.arange(len(labels))[:, None], contributions[:, :, : outputs.shape[1]]
        dense[image, :, outputs] = given_to.swapaxes(1, 2)

        sparse = image_costs(logits, given_to, labels, outputs=outputs)

        np.testing.assert_allclose(sparse, image_costs(logits, dense, labels), atol=1e-9)

    def test_logits_far_apart_do_not_overflow(self):
        logits, labels = np.float32([[1e4, 0], [0, 1e4]]), np.array([0, 0])
        contributions = np.float32([[[2e4, 0]], [[0, 1e4]]])
        # Image 0: CE 0 before, 1e4 after.  Image 1: 1e4 before, ln 2 after.
        np.testing.assert_allclose(image_costs(logits, contributions, labels), [[1e4], [np.log(2) - 1e4]])

    def test_the_size_of_a_block_changes_nothing(self, rng, monkeypatch):
        problem = rng.normal(size=(50, 6)), rng.normal(size=(50, 7, 6)), rng.integers(6, size=50)
        whole = image_costs(*problem)
        monkeypatch.setattr(removal, "_BLOCK_BYTES", 3 * 7 * 6 * 8)
        np.testing.assert_array_equal(image_costs(*problem), whole)

    def test_arguments_stay_as_they_were(self, rng):
        problem = rng.normal(size=(5, 4)), rng.normal(size=(5, 3, 2)), rng.integers(4, size=5)
        outputs = np.tile([3, 1], (5, 1))
        before = [array.copy() for array in problem]
        image_costs(*problem, outputs=outputs)
        for array, copy in zip(problem, before, strict=True):
            np.testing.assert_array_equal(array, copy)


class TestErrors:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"labels": [0, 4]}, "labels hold 4; they must be integers from 0 to 3"),
            ({"labels": [-1, 0]}, "labels hold -1;"),
            ({"labels": [0.0, 1.0]}, "labels are float64;"),
            ({"labels": [0]}, "logits (2, 4) and labels (1,) do not fit"),
            ({"contributions": np.zeros((2, 3, 2))}, "logits (2, 4) and contributions (2, 3, 2) do not fit"),
            ({"contributions": np.zeros((2, 4))}, "logits (2, 4) and contributions (2, 4) do not fit"),
            ({"contributions": np.full((2, 3, 4), [[0], [np.inf], [np.nan]])}, "contributions of 2 of 3 units are NaN"),
            ({"logits": np.full((2, 4), [[0], [np.nan]])}, "logits of 1 images are NaN or infinite"),
        ],
    )
    def test_what_does_not_fit_is_named_by_cost_and_choice_alike(self, message_of, changes, message):
        values = {"logits": np.zeros((2, 4)), "contributions": np.zeros((2, 3, 4)), "labels": [0, 1]} | changes
        network = fixed(values["logits"], values["contributions"])

        assert message in message_of(removal_cost, *values.values())
        assert message in message_of(choose_units, network, values["labels"], 2)

    @pytest.mark.parametrize(
        ("outputs", "message"),
        [
            ([[0, 0], [0, 1]], "outputs of an image must be different and from 0 to 3"),
            ([[0, 1], [0, 4]], "outputs of an image must be different and from 0 to 3"),
            ([[0, 1]], "outputs are int64 (1, 2); they must be integers (2, M)"),
            ([[0.0, 1.0], [0.0, 1.0]], "outputs are float64 (2, 2)"),
            ([[0, 1, 2], [0, 1, 2]], "contributions (2, 3, 2) do not fit"),
        ],
    )
    def test_outputs_that_do_not_fit_are_named(self, message_of, outputs, message):
        problem = np.zeros((2, 4)), np.zeros((2, 3, 2)), [0, 1]
        assert message in message_of(partial(removal_cost, outputs=outputs), *problem)

    @pytest.mark.parametrize(
        ("count", "rounds", "message"),
        [
            (4, 1, "count is 4; it must be from 0 to the number of units, 3"),
            (-1, 1, "count is -1 and rounds 1"),
            (2, 0, "count is 2 and rounds 0"),
        ],
    )
    def test_a_count_or_rounds_out_of_range_are_named(self, message_of, count, rounds, message):
        network = fixed(np.zeros((2, 4)), np.zeros((2, 3, 4)))
        assert message in message_of(partial(choose_units, rounds=rounds), network, None, count)

    def test_rounds_on_other_images_are_noticed(self, message_of):
        def other_images(removed):
            images = 5 - len(removed)
            return np.zeros((images, 4)), np.zeros((images, 3, 4))

        message = message_of(choose_units, other_images, None, 2)
        assert "logits have shape (4, 4), those of the whole network (5, 4)" in message
