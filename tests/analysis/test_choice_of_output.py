"""Models with several outputs: one is chosen where logits are needed, none where probes do."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.analysis import analyze
from fm_keras.settings import ProbeSettings

PROBE = ProbeSettings(epochs=1, batch_size=12)
IMAGE = (6, 6, 2)


def two_heads(names=True):
    x = keras.Input(IMAGE)
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="conv")(x))
    kind = layers.Dense(3, name="kind")(layers.Dense(5, name="for_kind")(y))
    size = layers.Dense(1, name="size")(layers.Dense(6, name="for_size")(y))
    return keras.Model(x, {"what": kind, "how_large": size} if names else [kind, size], name="heads")


@pytest.mark.parametrize(("names", "output"), [(True, "what"), (False, "kind")])
def test_of_several_outputs_one_is_chosen(names, output, rng):
    x, labels = rng.normal(size=(24, *IMAGE)), np.arange(24) % 3
    model = two_heads(names)
    analysis = analyze(model, (x, labels), output=output, fields="network")
    assert list(analysis.layers()["layer"]) == ["conv", "for_kind"]
    assert len(model.outputs) == 2


def test_probes_need_no_choice_of_an_output(rng):
    x, labels = rng.normal(size=(24, *IMAGE)), np.arange(24) % 3
    analysis = analyze(two_heads(), (x, labels), probe=PROBE)
    assert set(analysis.layers()["layer"]) == {"conv", "for_kind", "for_size"}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"fields": "network"},
            "Model 'heads' has 2 outputs, and one with logits is needed: what (None, 3), how_large (None, 1). Choose "
            "it with output= (--output), or fm_keras.models.choose_output(model, name).",
        ),
        ({"output": "size"}, "Model 'heads' has no output 'size'. It has: what (None, 3), how_large (None, 1)."),
    ],
)
def test_an_output_that_is_needed_or_not_there_is_one_line(how, message, message_of, rng):
    images = (rng.normal(size=(24, *IMAGE)), np.arange(24) % 3)
    assert message_of(lambda: analyze(two_heads(), images, **how)) == message
