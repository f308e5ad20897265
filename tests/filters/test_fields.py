import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fm_keras.errors import InvalidInput
from fm_keras.filters import filter_fields, threshold_fields

THRESHOLDS = st.floats(0.01, 0.99)
FIELDS = arrays(float, st.tuples(st.integers(1, 4), st.just(5), st.just(5)), elements=st.floats(-8, 8, width=32))


def random_probe(rng, positions, labels=4, units=6, dtype=float):
    class_means = rng.standard_normal((labels, *positions, units)).astype(dtype)
    kernel = rng.standard_normal((*positions, units, labels)).astype(dtype)
    return class_means, kernel


@pytest.mark.parametrize("positions", [(), (5,), (3, 2)], ids=["none", "tokens", "map"])
def test_fields_equal_the_sum_over_positions_written_as_a_loop(rng, positions):
    class_means, kernel = random_probe(rng, positions)
    literal = np.zeros((6, 4, 4))
    for place in np.ndindex(positions):
        for unit, i, j in np.ndindex(6, 4, 4):
            literal[unit, i, j] += class_means[(i, *place, unit)] * kernel[(*place, unit, j)]
    np.testing.assert_allclose(filter_fields(class_means, kernel), literal, rtol=1e-12, atol=1e-12)


def test_the_fields_of_all_units_add_up_to_the_mean_logits(rng):
    class_means, kernel = random_probe(rng, (3, 2))
    logits = class_means.reshape(4, -1) @ kernel.reshape(-1, 4)
    np.testing.assert_allclose(filter_fields(class_means, kernel).sum(axis=0), logits, rtol=1e-12)


def test_the_fields_of_a_block_of_units_are_those_of_the_whole(rng):
    class_means, kernel = random_probe(rng, (3, 2))
    block = filter_fields(class_means[..., 2:5], kernel[..., 2:5, :])
    np.testing.assert_array_equal(block, filter_fields(class_means, kernel)[2:5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fields_keep_their_precision(rng, dtype):
    assert filter_fields(*random_probe(rng, (2,), dtype=dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("means", "kernel"),
    [((4, 3, 6), (3, 6, 5)), ((4, 3, 6), (2, 6, 4)), ((4, 3, 6), (3, 5, 4)), ((4, 3, 6), (6, 4)), ((4,), (4,))],
    ids=["labels", "positions", "units", "rank", "vectors"],
)
def test_shapes_that_do_not_fit_are_named(means, kernel):
    with pytest.raises(InvalidInput) as error:
        filter_fields(np.zeros(means), np.zeros(kernel))
    assert f"class_means {means} and kernel {kernel} do not fit" in str(error.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_element_equal_to_the_threshold_is_not_above_it(dtype):
    above = threshold_fields(np.diag([1, 0.3, 0.31]).astype(dtype)[None])
    np.testing.assert_array_equal(above[0], np.diag([True, False, True]))


@pytest.mark.parametrize("field", [np.full((3, 3), -1.5), np.zeros((3, 3))], ids=["negative", "zero"])
def test_a_unit_without_a_positive_field_has_nothing_above(field):
    assert not threshold_fields(field[None]).any()


def test_a_dead_unit_does_not_disturb_its_neighbor():
    fields = np.stack([np.full((2, 2), -1.0), np.eye(2)])
    np.testing.assert_array_equal(threshold_fields(fields)[1], np.eye(2, dtype=bool))


def test_a_tiny_largest_field_overflows_nowhere():
    fields = np.array([[[np.finfo(float).smallest_subnormal, -1e300], [0, 0]]])
    np.testing.assert_array_equal(threshold_fields(fields), [[[True, False], [False, False]]])


@given(FIELDS, THRESHOLDS, THRESHOLDS)
def test_a_higher_threshold_never_adds_ones(fields, one, other):
    assert not (threshold_fields(fields, max(one, other)) & ~threshold_fields(fields, min(one, other))).any()


@given(FIELDS, st.integers(-20, 20))
def test_scaling_fields_by_a_positive_factor_changes_nothing(fields, exponent):
    # Powers of two are exact, so that no element crosses the threshold by rounding.
    np.testing.assert_array_equal(threshold_fields(fields), threshold_fields(fields * 2.0**exponent))


@given(FIELDS)
def test_thresholding_equals_the_formula_written_as_a_loop(fields):
    above = threshold_fields(fields)
    for index in np.ndindex(fields.shape):
        largest = fields[index[0]].max()
        assert above[index] == (largest > 0 and fields[index] / largest > 0.3)


def test_fields_that_are_not_finite_are_refused_by_unit():
    fields = np.ones((9, 2, 2))
    fields[1, 0, 0], fields[4, 1, 1] = np.nan, np.inf
    with pytest.raises(InvalidInput, match="unit 1, 4 are NaN or infinite"):
        threshold_fields(fields)
    with pytest.raises(InvalidInput, match="unit 0, 1, 2, 3, 4 and 4 more"):
        threshold_fields(fields * np.nan)


@pytest.mark.parametrize("threshold", [0, 1, -0.3, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(threshold):
    with pytest.raises(InvalidInput, match=f"threshold is {threshold}"):
        threshold_fields(np.ones((1, 2, 2)), threshold)


@pytest.mark.parametrize("shape", [(3, 3), (1, 2, 3)])
def test_fields_of_another_shape_are_refused(shape):
    with pytest.raises(InvalidInput, match=r"must be \(U, K, K\)"):
        threshold_fields(np.ones(shape))
