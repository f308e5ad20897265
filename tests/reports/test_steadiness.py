import numpy as np
import pandas as pd

from fm_keras.reports.steadiness import say_intervals, say_stability


def stability_of(snr, noise=None):
    """SNR and noise by threshold, of the layers a to c."""
    rows = [
        {"layer": layer, "threshold": threshold, "snr": value, "noise": (noise or snr)[threshold][place]}
        for threshold, values in snr.items()
        for place, (layer, value) in enumerate(zip("abc", values))
    ]
    return pd.DataFrame(rows).assign(n_clusters=1.0)


def test_trends_are_told_with_the_thresholds_where_they_hold():
    snr = {0.1: [1, 2, 3], 0.2: [1, 2, 3], 0.3: [1, 2, 4], 0.4: [3, 2, 1]}
    noise = {0.1: [1, 1, 1], 0.2: [9, 6, 3], 0.3: [9, 6, 2], 0.4: [9, 6, 2]}

    said = say_stability(stability_of(snr, noise), 0.3)

    assert said.startswith(
        "From a to c: noise stays at 0.1, falls from 0.2 to 0.4; SNR rises from 0.1 to 0.3, falls at 0.4; "
        "number of clusters stays at every threshold. "
    )
    assert "SNR ranks the layers from 0.1 to 0.3 as at 0.3 (rank correlation 0.9 or more)." in said
    assert said.endswith("In c SNR is 3.00 at 0.1 and 1.00 at 0.4: compare networks at one threshold only.")


def test_from_infinity_a_finite_snr_falls():
    assert "SNR falls at every threshold" in say_stability(
        stability_of({0.2: [np.inf, 2, 1], 0.3: [np.inf, 3, 1]}), 0.3
    )


def test_an_order_that_holds_nowhere_else_is_said_so():
    said = say_stability(stability_of({0.2: [3, 2, 1], 0.3: [1, 2, 3]}), 0.3)

    assert "At other thresholds than 0.3 SNR ranks the layers otherwise." in said


def test_of_intervals_it_is_said_in_what_the_ends_of_the_network_differ():
    def row(layer, accuracy, noise, snr):
        values = {"accuracy": accuracy, "noise": noise, "snr": snr}
        ends = {f"{name}_{end}": value for name, pair in values.items() for end, value in zip(("low", "high"), pair)}
        return {"layer": layer, **ends}

    first, last = row("a", (0.5, 0.6), (3, 5), (1, 2)), row("b", (0.7, 0.8), (4, 6), (2.5, 3))

    assert say_intervals(pd.DataFrame([first, last])) == (
        "For other images b would have accuracy from 0.700 to 0.800, noise from 4.00 to 6.00 and SNR from 2.50 to "
        "3.00. a and b differ in accuracy and SNR by more than their intervals."
    )
    assert say_intervals(pd.DataFrame([first, first])).endswith(
        "a and a differ in nothing by more than their intervals."
    )
