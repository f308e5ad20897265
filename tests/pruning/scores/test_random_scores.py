"""A control that can be repeated."""

from fm_keras.pruning import kernel_l1, random_scores


def test_random_scores_are_those_of_their_seed(analyzed):
    first, again, other = (random_scores(analyzed, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)
    assert first.index.equals(kernel_l1(analyzed).index)
    assert first.between(0, 1).all() and first.is_unique
