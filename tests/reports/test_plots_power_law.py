import numpy as np
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.numbers import figures
from fm_keras.reports import plots
from fm_keras.scaling import fit_power_law


@pytest.fixture
def laws(rng):
    """A plain law, one with a floor and a broken one, of three seeds a width."""
    widths = np.repeat([6, 9, 16, 24, 36, 64, 96], 3)
    noise = np.exp(0.02 * rng.standard_normal(len(widths)))
    turn = np.exp(-0.25 * 0.5 * np.logaddexp(0, np.log(widths / 20) / 0.25))
    errors = {"power": 0.9 * widths**-0.4, "floor": 1.5 * widths**-0.9 + 0.1, "broken": 0.8 * widths**-0.2 * turn}
    return {form: fit_power_law(widths, found * noise, form=form, rounds=50) for form, found in errors.items()}


def points(axes):
    return [each.get_offsets() for each in axes.collections if len(each.get_offsets()) > 1]


def test_trainings_means_law_and_band_are_drawn_where_they_are(laws):
    law = laws["power"]
    (axes,) = plots.power_law(law).axes

    trials, means = points(axes)
    np.testing.assert_allclose(trials, np.transpose(law.curve.trials))
    np.testing.assert_allclose(means, np.stack([law.curve.widths, law.curve.errors], axis=1))
    measured, beyond = axes.lines[:2]
    for line in (measured, beyond):
        np.testing.assert_allclose(line.get_ydata(), law.predict(line.get_xdata()).value)
    assert measured.get_xdata().max() <= 96 < beyond.get_xdata().min()
    band = axes.collections[0].get_paths()[0].vertices
    lowest = law.predict(192).low[0]
    assert band[:, 1].min() == pytest.approx(lowest)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_the_held_out_prediction_of_the_same_form_is_drawn_with_its_interval(laws):
    law = laws["floor"]
    (axes,) = plots.power_law(law).axes

    (drawn,) = axes.containers
    (held_out,) = [each for each in law.held_out if each.form == "floor"]
    assert drawn.lines[0].get_xydata() == pytest.approx(np.array([[96, held_out.predicted]]))
    (reach,) = drawn.lines[2][0].get_segments()
    assert reach[:, 1] == pytest.approx([held_out.low, held_out.high])


def test_floor_and_turn_are_named_where_there_are_any(laws):
    words = {form: [text.get_text() for text in plots.power_law(law).axes[0].texts] for form, law in laws.items()}

    assert words["power"] == []
    assert words["floor"] == [f"floor {figures(laws['floor'].floor)}"]
    assert words["broken"] == [f"turn at {figures(laws['broken'].values['turn'])}"]


def test_the_law_is_said_above_the_picture(laws):
    words = [text.get_text() for text in plots.power_law(laws["power"], "MACs of one image", "noise", "cifar10").texts]

    assert words[0] == "cifar10: noise against MACs of one image"
    assert words[1] == f"noise = {laws['power'].sentence('MACs')}".replace("**", "^").replace("*", "×")
    assert "95% interval" in words[2]


def test_no_two_of_12_laws_look_alike_and_each_is_in_the_legend(laws):
    named = {f"law {number}": laws["power"] for number in range(12)}
    (axes,) = plots.power_law(named).axes

    means = [each for each in axes.collections if each.get_label() in named]
    looks = {(each.get_facecolor().tobytes(), each.get_paths()[0].vertices.tobytes()) for each in means}
    assert len(looks) == 12
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(named)


def test_a_single_law_needs_no_legend(laws):
    assert plots.power_law(laws["power"]).axes[0].get_legend() is None


def test_few_widths_are_written_themselves_and_large_numbers_with_their_unit(laws):
    def ticks(law):
        figure = plots.power_law(law)
        return [label.get_text() for label in figure.axes[0].get_xticklabels()]

    assert ticks(laws["power"]) == ["6", "9", "16", "24", "36", "64", "96"]
    macs = np.geomspace(1e6, 1e9, 5)
    assert {"2 M", "500 M"} < set(ticks(fit_power_law(macs, macs**-0.2)))


def test_nothing_to_draw_is_refused():
    with pytest.raises(InvalidInput, match="no law"):
        plots.power_law({})


def test_the_picture_is_written(laws, tmp_path):
    plots.save(plots.power_law(laws), tmp_path / "laws.svg")
    assert "broken" in (tmp_path / "laws.svg").read_text()
