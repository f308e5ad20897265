import math
from pathlib import Path

import pytest

from fm_keras.complexity import epoch_numbers, in_order


@pytest.mark.parametrize(
    ("names", "epochs"),
    [
        (["epoch02", "epoch10"], [2, 10]),
        (["vgg16-Epoch_3-0.5", "vgg16-Epoch_4-0.5"], [3, 4]),
        (["vgg16.02-0.71", "vgg16.10-0.64"], [2, 10]),
        (["net16", "net16"], [math.nan, math.nan]),
        (["best", "last"], [math.nan, math.nan]),
        (["vgg16"], [math.nan]),
        (["epoch7"], [7]),
        ([], []),
    ],
)
def test_the_epoch_is_behind_its_word_or_the_first_number_that_always_differs(names, epochs):
    assert epoch_numbers(names) == pytest.approx(epochs, nan_ok=True)


def test_files_stand_in_the_order_of_their_epochs():
    files = in_order(["a/epoch10.keras", "a/epoch2.keras"])
    assert list(files.items()) == [("epoch2", Path("a/epoch2.keras")), ("epoch10", Path("a/epoch10.keras"))]


def test_files_without_epochs_stay_in_their_order():
    assert list(in_order(["last.keras", "best.keras"])) == ["last", "best"]


def test_files_that_are_called_alike_go_by_their_folders():
    assert list(in_order(["b/model.keras", "a/model.keras"])) == [str(Path("b/model")), str(Path("a/model"))]
