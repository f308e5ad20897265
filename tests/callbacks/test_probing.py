"""Probes that go on from where they were, in graphs that are traced once."""

import keras
import numpy as np
import pytest

from fm_keras.callbacks.probing import WarmAnalysis
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import probes


@pytest.fixture
def warm(build, stripes):
    def make(**probe):
        options = {"images": 60, "settings": AnalysisSettings(), "preprocess": None}
        return WarmAnalysis(build(), stripes, layers=["first"], probe=ProbeSettings(**probe), **options)

    return make


def test_probes_go_on_from_where_they_were(warm):
    analysis = warm(epochs=1, learning_rate=1e-3, l2=0)

    lengths = [np.linalg.norm(analysis.measure()["first"].kernel) for _ in range(4)]

    # From zero, so slow a training makes steps of the same length and direction.
    assert np.diff(lengths) == pytest.approx(lengths[:1] * 3, rel=0.05)


def test_no_graph_is_traced_a_second_time(warm, monkeypatch):
    traced = []
    features = probes.ProbeHeads.features
    monkeypatch.setattr(probes.ProbeHeads, "features", lambda self, x: traced.append(1) or features(self, x))
    analysis = warm(epochs=1)
    analysis.measure()
    first = len(traced)

    analysis.measure()

    assert len(traced) == first > 0


def test_features_keep_their_scale_out_of_the_kernel(warm):
    analysis = warm(epochs=3)
    found = analysis.measure()["first"]
    logits = np.einsum("kpu,puc->kc", found.class_means, found.kernel)

    np.testing.assert_allclose(found.fields.sum(axis=0), logits, rtol=1e-3, atol=1e-4)
    scale = float(np.array(analysis.heads.scales[0]))
    head = np.array(analysis.heads.heads[0]).reshape(found.kernel.shape)
    np.testing.assert_allclose(found.kernel, head * scale, rtol=1e-6)
    assert scale != 1


def test_augmentation_inside_the_network_is_passed_over(build, stripes):
    still = build()
    moving = keras.Model(still.input, still(keras.layers.RandomTranslation(0.3, 0.3)(still.input)))
    how = {"images": 60, "settings": AnalysisSettings(), "probe": ProbeSettings(epochs=1), "preprocess": None}

    found = WarmAnalysis(moving, stripes, layers=["small/first"], **how).measure()["small/first"]

    expected = WarmAnalysis(still, stripes, layers=["first"], **how).measure()["first"]
    np.testing.assert_allclose(found.kernel, expected.kernel, rtol=1e-4, atol=1e-6)
