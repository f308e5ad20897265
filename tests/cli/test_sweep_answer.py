"""What a sweep says in words."""

import numpy as np
import pandas as pd
import pytest

from fm_keras.scaling import cost_at_equal_error, fit_laws, label_laws
from fm_keras_cli.sweep_answer import cost_words, label_words, law_words, ratio_words


def rows(errors, model="lenet"):
    """A row for each width, twice as wide as the one before."""
    widths = 6 * 2 ** np.arange(len(errors))
    table = pd.DataFrame({"width": widths, "macs": 1000 * widths**2, "error": errors, "noise": errors})
    return table.assign(model=model, seed=0, status="done")


def test_what_the_widths_leave_open_is_said_after_the_law():
    (law,) = fit_laws(rows([0.50, 0.36, 0.24, 0.175]))
    said, doubt, *_ = law_words(law, alone=True)

    assert said.startswith("Error falls as width^-0.5")
    assert doubt == (
        "4 widths cannot rule out a floor (which the intervals count) or show a turn (which they do not count)."
    )
    (law,) = fit_laws(rows([0.50, 0.36, 0.24, 0.175]), y="noise")
    assert law_words(law, alone=False)[1] == f"lenet: {doubt}"


def test_half_an_error_that_the_law_does_not_reach_takes_some_width_or_more():
    (law,) = fit_laws(rows([0.60, 0.43, 0.38, 0.31, 0.31]))
    floor = next(line for line in law_words(law, alone=True) if line.startswith("Twice the width"))

    assert law.fit.form == "floor"
    assert floor.endswith(" or more, if it is within reach at all.")


def test_a_cost_that_the_law_does_not_reach_is_infinite():
    flat, steep = rows([0.60, 0.43, 0.38, 0.31, 0.31]), rows([0.5, 0.25, 0.125, 0.0625, 0.03125], "vgg16")
    table = cost_at_equal_error(fit_laws(pd.concat([flat, steep]), x="macs"), errors=[0.15])
    said = cost_words(0.15, table)

    assert "; lenet ∞ (" in said and " to ∞), beyond what was trained. " in said
    assert said.endswith("vgg16 needs less than lenet.")


def test_ratios_that_occur_at_several_widths_are_told_with_their_width():
    table = pd.DataFrame({"model": "lenet", "macs": 1e6, "ratio": [1.0, 1.0, 2.0, 4.0], "width": [10, 11, 9, 8]})
    table = table.assign(seeds=3, error=[0.3, 0.32, 0.31, 0.4], low=[0, -0.1, -0.1, 0.02])

    assert ratio_words(table).endswith("; 3 seeds do not tell it from 1.00 (width 11), 2.00; 4.00 is worse.")


@pytest.mark.parametrize("measure", ["n_clusters", "cluster_size"])
def test_a_measure_that_is_constant_is_as_in_the_papers(measure):
    (said,) = label_words(label_laws(pd.DataFrame({"labels": [3, 4, 6, 8, 10], measure: 1.1})))

    assert said.endswith(": 0 a label (0 to 0); K^0 (0 to 0), constant as in the papers.")
