import keras
import numpy as np
import pandas as pd
import pytest

from fm_keras.analysis import Analysis, analyze
from fm_keras.errors import BadRun
from fm_keras.settings import AnalysisSettings, ProbeSettings

PROBE = ProbeSettings(epochs=2, batch_size=16)


@pytest.fixture(scope="module")
def of_four():
    """A network with one logit for each label of the blobs."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(5, 3, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, "softmax"),
        ]
    )


@pytest.fixture
def analysis(network, blobs):
    return analyze(network, blobs, probe=PROBE)


def test_save_then_load_is_the_identity(analysis, tmp_path):
    analysis.save(tmp_path / "saved")
    loaded = Analysis.load(tmp_path / "saved")
    pd.testing.assert_frame_equal(loaded.layers(), analysis.layers())
    pd.testing.assert_frame_equal(loaded.filters(), analysis.filters())
    for one, other in zip(analysis, loaded):
        for name in ("class_means", "kernel", "cluster_of", "fields"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (loaded.label_names, loaded.settings, loaded.probe, loaded.images) == (
        analysis.label_names,
        analysis.settings,
        analysis.probe,
        analysis.images,
    )


def test_fields_that_were_measured_for_real_are_kept(network, blobs, tmp_path):
    reference = analyze(network, blobs, probe=PROBE, settings=AnalysisSettings(engine="reference"))
    reference.save(tmp_path)
    np.testing.assert_array_equal(Analysis.load(tmp_path)["hidden"].fields, reference["hidden"].fields)


def assert_alike(one, other):
    pd.testing.assert_frame_equal(other.layers(), one.layers())
    pd.testing.assert_frame_equal(other.filters(), one.filters())
    for name in ("label_names", "settings", "probe", "images", "data"):
        assert getattr(other, name) == getattr(one, name)
    np.testing.assert_equal(other.loss, one.loss)
    for filters, others in zip(one, other, strict=True):
        for name in ("class_means", "kernel", "cluster_of", "held", "fields"):
            np.testing.assert_equal(getattr(others, name), getattr(filters, name))


@pytest.mark.parametrize("fields", ["network", "both"])
def test_save_then_load_is_the_identity_for_network_fields(fields, of_four, blobs, tmp_path):
    measured = analyze(of_four, blobs, fields=fields, probe=PROBE)

    measured.save(tmp_path)
    loaded = Analysis.load(tmp_path)

    assert_alike(measured, loaded)
    assert (loaded.network is None) == (fields == "network")
    if fields == "both":
        assert_alike(measured.network, loaded.network)


def test_a_missing_network_analysis_is_named(of_four, blobs, tmp_path):
    analyze(of_four, blobs, fields="both", probe=PROBE).save(tmp_path)
    (tmp_path / "network" / "analysis.json").unlink()
    with pytest.raises(BadRun, match=r"network.analysis\.json"):
        Analysis.load(tmp_path)


def test_a_nested_layer_has_a_file_of_its_own(analysis, tmp_path):
    analysis.save(tmp_path)
    assert sorted(path.name for path in (tmp_path / "arrays").iterdir()) == ["block%2Fconv.npz", "hidden.npz"]


def test_a_missing_table_is_named(analysis, tmp_path):
    analysis.save(tmp_path)
    (tmp_path / "layers.csv").unlink()
    with pytest.raises(BadRun, match=r"layers\.csv is missing\. Analyze the model again\."):
        Analysis.load(tmp_path)


def test_truncated_arrays_are_named(analysis, tmp_path):
    analysis.save(tmp_path)
    arrays = tmp_path / "arrays" / "hidden.npz"
    arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(BadRun, match=r"hidden\.npz is damaged"):
        Analysis.load(tmp_path)


def test_tables_and_arrays_that_do_not_fit_are_refused(analysis, tmp_path):
    analysis.save(tmp_path)
    table = pd.read_csv(tmp_path / "filters.csv")
    table.iloc[:-1].to_csv(tmp_path / "filters.csv", index=False)
    with pytest.raises(BadRun, match=r"hidden\.npz: expected clusters of shape \(6, 4\), found \(7, 4\)"):
        Analysis.load(tmp_path)


def test_an_analysis_of_another_format_is_refused(analysis, tmp_path):
    analysis.save(tmp_path)
    record = tmp_path / "analysis.json"
    record.write_text(record.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(BadRun, match="expected format 1, found 99"):
        Analysis.load(tmp_path)


def test_a_truncated_layer_table_is_named(analysis, tmp_path):
    analysis.save(tmp_path)
    table = tmp_path / "layers.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:2]))
    with pytest.raises(BadRun, match=r"layers\.csv and filters\.csv name other layers: one is damaged"):
        Analysis.load(tmp_path)
