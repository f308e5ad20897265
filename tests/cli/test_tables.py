from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from fm_keras_cli.tables import bar, clusters_text, filter_table, layer_table, spark


def drawn(table, width):
    console = Console(width=width, color_system=None, record=True, file=StringIO())
    console.print(table)
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture
def layers():
    row = {"positions": "32 x 32", "signal": 2.0, "noise_clustered": 3.0, "label_cv": 0.5}
    return pd.DataFrame(
        [
            {"layer": "conv1_1", "units": 8, "accuracy": 0.871, "n_clusters": 1.3, "cluster_size": 3.3, **row}
            | {"noise": 21.4, "snr": 1.1, "dead": 0.0},
            {"layer": "conv5_3", "units": 1064, "accuracy": 0.982, "n_clusters": 0.0, "cluster_size": np.nan, **row}
            | {"noise": 5.9, "snr": np.inf, "dead": 0.25},
        ]
    )


def test_a_narrow_layer_table_has_numbers_alone(layers):
    assert drawn(layer_table(layers, 60), 60) == [
        " layer   filters accuracy clusters size noise  SNR dead",
        " conv1_1       8    0.871      1.3  3.3  21.4 1.10   0%",
        " conv5_3   1,064    0.982      0.0    -   5.9    ∞  25%",
    ]


def test_a_layer_table_of_usual_width_has_bars(layers):
    head, first, last = drawn(layer_table(layers.assign(dead=0.0), 100), 100)

    assert head.split() == ["layer", "filters", "accuracy", "clusters", "size", "noise", "SNR"]
    assert "███████" in first
    assert last.endswith("∞  █")


@pytest.mark.parametrize("width", [60, 79, 80, 100, 110, 160])
def test_no_layer_table_is_wider_than_the_terminal(layers, width):
    lines = drawn(layer_table(layers, width), width)

    assert len(lines) == 3
    assert all("…" not in line for line in lines)


@pytest.mark.parametrize("width", [60, 70, 80, 100, 160])
def test_quality_and_dead_filters_beside_short_paths_still_fit(layers, width):
    lines = drawn(layer_table(layers.assign(quality=1.234, layer=["block/c1", "block/c2"]), width), width)

    assert len(lines) == 3
    assert lines[0].endswith("dead") and lines[2].endswith("25%")


def test_a_long_layer_name_is_folded_and_no_number_is_cut(layers):
    name = "efficientnetb0/block6d_expand_conv_with_a_long_name"

    lines = drawn(layer_table(layers.assign(layer=[name, "conv"]), 80), 80)

    assert "".join(line.split()[0] for line in lines[1:-1]) == name
    assert lines[1].split()[1:3] == ["8", "0.871"]


def test_filters_show_their_clusters_by_label_name():
    row = {"filter": 17, "n_clusters": 2, "labels": ((0, 2), (1,)), "signal": 3, "external_noise": 4}
    table = pd.DataFrame([{**row, "snr": 4.5, "strength": 0.0123, "dead": False}])

    _, line = drawn(filter_table(table, ("cat", "dog", "ship"), 100), 100)

    assert line.split("  ")[-1].strip() == "0.0123"
    assert "{cat, ship} {dog}" in line


def test_no_cluster_is_a_dash():
    assert clusters_text((), ("a", "b")) == "-"


def test_names_of_labels_stay_on_one_line():
    assert clusters_text(((0, 1),), ("new\nline", "\x1b[31mred")) == "{new line, [31mred}"


def test_bars_are_as_long_as_their_share():
    assert [bar(share) for share in (0, 0.5, 1, 0.51)] == ["", "████", "████████", "████▏"]
    assert [spark(value, 2.0) for value in (0.1, 1.0, 2.0)] == ["▁", "▄", "█"]
