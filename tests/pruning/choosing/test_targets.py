"""One share of one thing."""

from functools import partial

import pytest

from fm_keras.pruning import Target


def test_the_one_that_is_given_is_the_target():
    assert Target.of(params=0.3) == Target("params", 0.3)
    assert str(Target.of(latency=0.25)) == "latency=0.25"


@pytest.mark.parametrize(("given", "received"), [({}, "none"), ({"keep": 0.5, "macs": 0.3}, "keep=0.5, macs=0.3")])
def test_none_or_several_are_refused(message_of, given, received):
    expected = f"Give exactly one of keep, macs, params, latency; received {received}."
    assert message_of(partial(Target.of, **given)) == expected


@pytest.mark.parametrize("share", [0, 1, -0.5, 50, float("nan")])
def test_shares_lie_between_nothing_and_all(message_of, share):
    assert message_of(Target, "keep", share).startswith(f"Target keep={share:g}: the share that stays must lie between")


def test_other_kinds_are_unknown(message_of):
    assert message_of(Target, "flops", 0.5) == ("There is no target 'flops'. Targets: keep, macs, params, latency.")
