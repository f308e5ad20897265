"""What every figure has in common."""

import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from fm_keras.colors import DARK, LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.reports import plots

WEIRD = (
    "<b>&amp;</b>",
    "\"quoted\" 'both'",
    "$x^2$ or $",
    r"\$5_%{}",
    "猫 кот 🐈 \ud83d",
    "two\nlines\t",
    "l" * 200,
    "",
)
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "accuracy": [0.2, 0.5, 0.8],
        "loss": [2.0, 1.5, 1.0],
        "val_accuracy": [0.3, 0.5, 0.7],
        "val_loss": [2.1, 1.6, 1.2],
        "learning_rate": [0.1, 0.05, 0.0],
    }
)


def every_figure(analysis):
    layer = list(analysis)[-1].layer
    return {
        "matrix": plots.filter_matrix(analysis, layer, 1),
        "filters": plots.layer_filters(analysis, layer, "quality", count=3),
        "fields": plots.field_pair(analysis, layer, 1),
        "depth": plots.depth_curves(analysis),
        "labels": plots.label_homogeneity(analysis),
        "clusters": plots.cluster_sizes(analysis),
        "quality": plots.quality_against_snr(analysis),
        "quality of a layer": plots.quality_against_snr(analysis, layer),
        "quality by depth": plots.quality_by_depth(analysis),
        "training": plots.training_history(HISTORY),
    }


def words_of(figure):
    """All texts of a figure."""
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


@pytest.mark.parametrize("labels", [2, 10, 33])
def test_every_figure_can_be_written_whatever_the_number_of_labels(made_up, labels, tmp_path):
    for name, figure in every_figure(made_up(labels=labels, layers=("a", "b"), units=4)).items():
        plots.save(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_label_names_of_any_kind_are_drawn_as_they_are(made_up, tmp_path):
    figures = every_figure(made_up(names=WEIRD, layers=("$a$", "a/b/c" * 20), units=4))

    for name, figure in figures.items():
        plots.save(figure, tmp_path / f"{name}.svg")
    words = words_of(figures["labels"])
    assert {"<b>&amp;</b>", "$x^2$ or $", r"\$5_%{}", "two lines", "l" * 17 + "…"} <= set(words)


def test_names_that_would_look_the_same_carry_their_numbers(made_up):
    figure = plots.label_homogeneity(made_up(names=[f"a very long name of label {number}" for number in range(4)]))

    assert {f"a very long… #{number}" for number in range(4)} <= set(words_of(figure))


def test_no_figure_touches_the_settings_of_the_user_or_follows_them(made_up):
    with matplotlib.rc_context({"font.size": 40, "axes.facecolor": "red", "text.usetex": True, "axes.titlesize": 50}):
        before = dict(matplotlib.rcParams)
        for figure in every_figure(made_up(units=4)).values():
            figure.draw_without_rendering()
            assert all(axes.get_facecolor() != (1, 0, 0, 1) for axes in figure.axes)
        assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported():
    program = (
        "import sys, pandas as pd; from fm_keras.reports import plots;"
        "plots.training_history(pd.DataFrame({'epoch': [1], 'loss': [2.0]}))._repr_png_();"
        "print(sorted({'matplotlib.pyplot', 'keras', 'tensorflow', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("suffix", "starts"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_same_figure_is_the_same_file_byte_by_byte(suffix, starts, made_up, tmp_path):
    analysis = made_up(units=4)
    for name in ("one", "two"):
        plots.save(plots.filter_matrix(analysis, "conv1", 0), tmp_path / f"{name}{suffix}")

    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.startswith(starts)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InvalidInput, match=r"^a\.gif must end in \.png, \.svg or \.pdf\.$"):
        plots.save(plots.training_history(HISTORY), tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_shows_a_figure_by_itself():
    assert plots.training_history(HISTORY)._repr_png_().startswith(b"\x89PNG")


def luminance(color):
    """Relative luminance, as the WCAG defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_differ_in_lightness_so_that_hue_is_not_needed(palette):
    assert contrast(palette.ink, palette.paper) > 7
    assert contrast(palette.soft, palette.paper) > 4.5
    assert contrast(palette.cluster, palette.below) > 3
    assert contrast(palette.noise, palette.cluster) > 1.5
    assert contrast(palette.field_low, palette.field_middle) > 2
    assert contrast(palette.field_middle, palette.field_high) > 2
