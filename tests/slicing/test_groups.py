"""Groups of cuts that fit in memory: laws, and one number worked out by hand."""

from itertools import pairwise

import pytest

from fm_keras.slicing import CutPoint, cut_memory, group_cuts


def cut(name, *, units, positions=(4, 4)):
    return CutPoint(name, "conv", units, positions, 0, name, False, 0)


CUTS = [cut(f"conv{units}", units=units) for units in (8, 16, 4, 64, 2)]
SIZE = {"labels": 10, "max_positions": 1024, "batch_size": 100}


def test_a_cut_needs_three_copies_of_its_kernel_and_two_of_a_batch():
    kernel, batch = 16 * 8 * 10, 100 * 16 * 8
    assert cut_memory(CUTS[0], **SIZE) == 4 * (3 * kernel + 2 * batch)


def test_the_kernel_of_a_large_map_is_that_of_the_pooled_one():
    large = cut("large", units=2, positions=(8, 8))
    assert cut_memory(large, **{**SIZE, "max_positions": 16}) == 4 * (3 * 16 * 2 * 10 + 2 * 100 * 64 * 2)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_groups_keep_all_cuts_in_order_and_within_the_limit(share):
    needs = [cut_memory(each, **SIZE) for each in CUTS]
    limit = share * sum(needs) / 1e9
    groups = group_cuts(CUTS, memory_limit=limit, **SIZE)
    assert [each for group in groups for each in group] == CUTS
    for group in groups:
        assert len(group) == 1 or sum(cut_memory(each, **SIZE) for each in group) <= limit * 1e9
    for group, following in pairwise(groups):
        assert sum(cut_memory(each, **SIZE) for each in [*group, following[0]]) > limit * 1e9


def test_everything_is_one_group_where_there_is_room_and_nothing_is_none():
    assert group_cuts(CUTS, memory_limit=2.0, **SIZE) == [CUTS]
    assert group_cuts([], memory_limit=2.0, **SIZE) == []
