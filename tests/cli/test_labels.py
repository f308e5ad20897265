"""fm-keras labels: a sweep over numbers of labels, the fits in words and as a picture."""

import json

import numpy as np
import pandas as pd
import pytest

from fm_keras_cli.labels import usual_counts
from fm_keras_cli.sweep_answer import label_words

COUNTS = (3, 5, 7, 10)


@pytest.fixture
def trained(monkeypatch):
    """A sweep that trains nothing: error is linear in K, clusters stay, seeds differ by a tenth."""
    asked = {"status": "done"}

    def sweep(data, *, to, settings, **more):
        asked.update(data=data, settings=settings, to=to)
        rows = [
            {"trial": f"vgg6-w8-k{count}-s{seed}", "model": "vgg6", "width": 8, "ratio": np.nan, "batch_norm": True}
            | {"labels": count, "samples": 100 * count, "seed": seed, "macs": 1e6, "parameters": 1e4, "seconds": 1.0}
            | {"error": 0.02 * count * (1 - 0.1 * seed), "status": asked["status"], "reason": "too few"}
            | {"n_clusters": 1.1, "cluster_size": 1.5 + 0.01 * seed, "noise": 0.5 * count, "snr": 4 - 0.1 * count}
            for count in settings.label_counts
            for seed in settings.seeds
        ]
        to.mkdir(parents=True)
        pd.DataFrame(rows).to_csv(to / "trials.csv", index=False)
        return pd.DataFrame(rows)

    monkeypatch.setattr("fm_keras.scaling.sweeping.sweep", sweep)
    return asked


def words(tmp_path, *more):
    return ("labels", "--limit", 100, "--label-counts", "3,5,7,10", "--seeds", "0,1", "--sweeps-dir", tmp_path, *more)


def test_each_number_of_labels_has_a_row_and_the_fits_are_told(command, trained, tmp_path):
    outcome = command(*words(tmp_path))

    assert outcome.code == 0, outcome.err
    heads, *rows = outcome.out.split("\n\n")[0].splitlines()
    assert heads.split()[:6] == ["labels", "seeds", "mean", "error", "max", "error"]
    assert [row.split()[0] for row in rows] == ["3", "5", "7", "10"]
    said = " ".join(outcome.out.split())
    assert "Maximal error: 0.0200 a label (0.0200 to 0.0200); K^1.00 (1.00 to 1.00), linear as in the papers." in said
    assert "Clusters of a filter, N_c: 0 a label" in said
    assert (tmp_path / "digits-vgg6-labels" / "label-law.png").stat().st_size > 10_000


def test_it_is_a_sweep_of_one_network_with_its_filters_measured(command, trained, tmp_path):
    command(*words(tmp_path, "--model", "lenet5", "--width", 5))

    settings = trained["settings"]
    assert (settings.models, settings.widths, settings.label_counts) == (("lenet5",), (5,), COUNTS)
    assert settings.measure == ("filters",)
    assert trained["to"] == tmp_path / "digits-lenet5-labels"


def test_the_document_holds_table_and_laws(command, trained, tmp_path):
    found = json.loads(command(*words(tmp_path, "--json")).out)

    assert [row["labels"] for row in found["labels"]] == list(COUNTS)
    assert [law["measure"] for law in found["laws"]] == ["error", "n_clusters", "cluster_size", "snr"]


def test_two_numbers_of_labels_are_shown_without_a_law(command, trained, tmp_path):
    outcome = command("labels", "--limit", 100, "--label-counts", "3,10", "--sweeps-dir", tmp_path)

    assert outcome.code == 0, outcome.err
    assert "A law of labels needs three numbers of labels at least." in outcome.out


def test_where_every_trial_failed_it_says_why(command, trained, tmp_path):
    trained["status"] = "failed"

    outcome = command(*words(tmp_path))

    assert outcome.code == 0, outcome.err
    assert "failed: too few. The same command tries what failed again." in " ".join(outcome.out.split())


def test_a_plan_lists_the_numbers_of_labels(command, tmp_path):
    asked = ("labels", "--model", "lenet5", "--limit", 100, "--epochs", 1, "--sweeps-dir", tmp_path, "--plan", "--json")

    planned = json.loads(command(*asked).out)

    assert [row["labels"] for row in planned["trials"]] == [3, 4, 5, 6, 7, 8, 9, 10]


def test_a_wrong_model_is_one_line(command, tmp_path):
    outcome = command("labels", "--model", "vgg99", "--sweeps-dir", tmp_path)

    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: There is no model 'vgg99'.")


@pytest.mark.parametrize(
    ("measure", "low", "high", "said"),
    [
        ("error", 0.8, 1.1, "linear as in the papers."),
        ("error", 0.3, 0.6, "not linear as in the papers."),
        ("error", -0.5, 2.0, "which leaves open what it is."),
        ("n_clusters", -0.1, 0.2, "constant as in the papers."),
        ("n_clusters", 0.1, 0.2, "not constant as in the papers."),
        ("snr", -0.1, 0.2, "(-0.100 to 0.200)."),
    ],
)
def test_the_papers_are_confirmed_only_where_the_interval_tells(measure, low, high, said):
    law = {"measure": measure, "slope": 0.1, "slope_low": 0.0, "slope_high": 0.2}
    law |= {"exponent": (low + high) / 2, "exponent_low": low, "exponent_high": high}

    (words,) = label_words(pd.DataFrame([law]))

    assert words.endswith(said)


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        (2, (2,)),
        (5, (3, 4, 5)),
        (10, (3, 4, 5, 6, 7, 8, 9, 10)),
        (100, (3, 5, 8, 13, 22, 37, 61, 100)),
    ],
)
def test_without_numbers_they_go_from_three_to_all(labels, counts):
    assert usual_counts(labels) == counts


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_the_table_fits_the_terminal(columns, command, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    table = command(*words(tmp_path)).out.split("\n\n")[0]

    assert max(map(len, table.splitlines())) <= columns
    assert "…" not in table
    assert "SNR" in table
