import pandas as pd

from fm_keras.complexity import join_trials


def test_rows_of_layers_stand_beside_their_trial():
    rows = pd.DataFrame(
        {"trial": ["a", "a", "b", "c"], "layer": ["input", "conv"] * 2, "width": [9, 4, 9, 8], "n1": 0.5}
    )
    trials = pd.DataFrame({"trial": ["b", "a"], "width": [2, 1], "samples": [10, 20]})

    table = join_trials(rows, trials)

    assert table["trial"].tolist() == ["a", "a", "b"]
    assert table["coordinates"].tolist() == [9, 4, 9]
    assert (table["width"].tolist(), table["samples"].tolist()) == ([1, 1, 2], [20, 20, 10])
