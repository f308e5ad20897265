"""A sweep: a row a rule and share, equal to pruning by itself; failures are rows, finished ones are not repeated."""

import pandas as pd
import pytest

import fm_keras
from fm_keras.hashes import model_hash
from fm_keras.pruning import kernel_l1
from fm_keras.pruning.rule_sweep import COLUMNS, sweep_rules
from fm_keras.settings import AnalysisSettings, PruneSettings, TrainSettings

HOW = {"measuring": AnalysisSettings(images=30, batch_size=20), "train": TrainSettings(batch_size=20)}
SETTINGS = PruneSettings(repair="recalibrate", epochs=0)


def sweep(model, dataset, rules, **options):
    return pd.DataFrame(sweep_rules(model, dataset, rules, **{"settings": SETTINGS, **HOW, **options}))


def test_every_row_is_what_prune_says(analyzed, dataset):
    rows = sweep(analyzed, dataset, ["kernel_l1", "taylor_squared"], keeps=(0.75, 0.5))

    assert list(rows) == COLUMNS
    assert rows["rule"].tolist() == ["kernel_l1"] * 2 + ["taylor_squared"] * 2
    assert rows["keep"].tolist() == [0.75, 0.5] * 2
    for row in rows.iloc[[0, 3]].to_dict("records"):
        alone = fm_keras.prune(
            analyzed, dataset, rule=row["rule"], keep=row["keep"], settings=SETTINGS, measuring=HOW["measuring"]
        )
        assert row["cut"] == pytest.approx(alone.accuracy("cut"))
        assert row["repaired"] == pytest.approx(alone.accuracy("repaired"))
        assert row["macs"] == pytest.approx(alone.ratio("MACs"))
        assert row["whole"] == pytest.approx(alone.accuracy("whole"))
    assert rows["fine-tuned"].isna().all()
    assert (rows["error"] == "").all()


def test_a_rule_that_fails_is_a_row_with_its_reason_and_the_rest_goes_on(analyzed, dataset):
    rows = sweep(analyzed, dataset, ["magic", "kernel_l1"], keeps=(0.5,)).set_index("rule")

    assert rows.loc["magic", "error"].startswith("There is no rule 'magic'.")
    assert pd.isna(rows.loc["magic", "cut"])
    assert rows.loc["kernel_l1", "error"] == ""


def test_a_function_of_the_user_s_is_a_row_by_its_name(analyzed, dataset):
    def mine(model, analysis, dataset):
        return kernel_l1(model)

    rows = sweep(analyzed, dataset, [mine, "kernel_l1"], keeps=(0.5,), done=[("kernel_l1", 0.5)])
    assert rows["rule"].tolist() == ["mine"]
    assert (rows["error"] == "").all() and rows["macs"].between(0, 1).all()
    assert sweep(analyzed, dataset, [mine], keeps=(0.5,), done=[("mine", 0.5)]).empty


def test_what_is_known_already_is_left_out(analyzed, dataset):
    rows = sweep(analyzed, dataset, ["kernel_l1", "random"], keeps=(0.75, 0.5), done=[("kernel_l1", 0.75)])
    assert rows[["rule", "keep"]].to_numpy().tolist()[0] == ["kernel_l1", 0.5]
    assert len(rows) == 3


def test_the_model_is_left_as_it_was(analyzed, dataset):
    before = model_hash(analyzed)
    sweep(analyzed, dataset, ["random"], keeps=(0.5,), settings=PruneSettings(epochs=1))
    assert model_hash(analyzed) == before
