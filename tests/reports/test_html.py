import base64
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fm_keras.filters import NO_CLUSTER
from fm_keras.reports.html import report_page, write_report, write_run_report
from fm_keras.reports.origin import Origin
from fm_keras.reports.page_data import ROOM, page_data, what_is_left_out
from fm_keras.reports.page_filters import COLUMNS, MOST_LABELS, label_order, rank_filters
from fm_keras.runs import ANALYSIS, TRAIN

HOSTILE = (
    "</script><script>hacked()</script>",
    "<img src=x onerror=hacked()>",
    "\"'`${hacked()}{{ 7*7 }}",
    "line\u2028separator",
    "汉字 ‮عربي 🐈",
    "W" * 200,
)


def embedded(page):
    """The data of a page, as a browser reads it."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def rows_of(data, layer=0, kind=0):
    return [dict(zip(COLUMNS, row)) for row in data["kinds"][kind]["layers"][layer]["filters"]]


def bits(row, labels):
    packed = np.frombuffer(base64.b64decode(row["above"]), np.uint8)
    return np.unpackbits(packed)[: labels**2].reshape(labels, labels).astype(bool)


def levels(row, labels):
    return np.frombuffer(base64.b64decode(row["field"]), np.int8).reshape(labels, labels) / 127 * row["scale"]


def test_every_matrix_of_the_page_is_exact_and_every_value_within_a_half_step(made_up):
    analysis = made_up(labels=7)
    data = embedded(report_page(analysis))

    for kind, each in enumerate((analysis, analysis.network)):
        for layer, filters in enumerate(each):
            rows = rows_of(data, layer, kind)
            assert sorted(row["filter"] for row in rows) == list(range(len(filters)))
            for row in rows:
                field = filters.fields[row["filter"]]
                assert (bits(row, 7) == filters.above[row["filter"]]).all()
                assert np.abs(levels(row, 7) - field).max() <= np.abs(field).max() * (0.5 / 127 + 1e-3)


def test_the_numbers_of_a_row_are_those_of_the_table(made_up):
    analysis = made_up()

    for row in rows_of(page_data(analysis), layer=1):
        measured = analysis["block/conv2"].table.loc[row["filter"]]
        worth = analysis.network["block/conv2"].table.loc[row["filter"]]
        assert tuple(row["labels"]) == measured["labels"]
        assert row["external_noise"] == measured["external_noise"]
        assert row["snr"] == ("∞" if np.isinf(measured["snr"]) else pytest.approx(measured["snr"], rel=1e-3))
        assert row["quality"] == pytest.approx(worth["quality"], rel=1e-3)


def test_filters_stand_by_quality_or_else_by_snr_and_the_dead_at_the_end(made_up):
    by_quality = rank_filters(made_up()["conv1"].table)
    table = made_up(both=False)["conv1"].table
    by_snr = rank_filters(table.assign(dead=table["filter"] == table["snr"].idxmax()))

    assert by_quality["quality"].is_monotonic_decreasing
    assert by_snr["snr"][:-1].is_monotonic_decreasing
    assert by_snr["dead"].iloc[-1]


def test_labels_are_ordered_by_clusters_then_by_noise(made_up):
    filters = made_up(labels=9)["conv1"]

    for above, cluster_of in zip(filters.above, filters.cluster_of):
        order = label_order(above, cluster_of)
        noise = above & ~((cluster_of[:, None] == cluster_of) & (cluster_of != NO_CLUSTER))
        counts = (noise.sum(axis=0) + noise.sum(axis=1))[order]
        groups = cluster_of[order]
        clustered = int((cluster_of != NO_CLUSTER).sum())
        sizes = [(cluster_of == group).sum() for group in groups[:clustered]]
        assert (groups[clustered:] == NO_CLUSTER).all()
        assert sizes == sorted(sizes, reverse=True)
        assert (np.diff(counts[clustered:]) <= 0).all()
        assert (np.diff(np.flatnonzero(np.diff(groups[:clustered]))) > 0).all()


def test_with_less_room_fields_go_first_then_matrices_then_rows_of_the_lowest_ranked(made_up):
    analysis = made_up(labels=20, units=30, both=False)
    whole = len(json.dumps(page_data(analysis)))
    seen = []

    for share in (1.1, 0.6, 0.2, 0.1):
        data = page_data(analysis, room=share * whole)
        assert len(json.dumps(data)) <= share * whole + 200
        rows = rows_of(data, layer=2)
        ranked = rank_filters(analysis["conv3"].table)["filter"].tolist()
        assert [row["filter"] for row in rows] == ranked[: len(rows)]
        held = [(row["above"] is not None) + (row["field"] is not None) for row in rows]
        assert held == sorted(held, reverse=True)
        seen.append((len(rows), held.count(2), held.count(1), held.count(0)))
        counts = data["kinds"][0]["left_out"]
        assert bool(what_is_left_out(data)) == any(counts.values())

    everything, without_fields, without_matrices, without_rows = seen
    assert everything == (30, 30, 0, 0)
    assert without_fields[0] == 30 and 0 < without_fields[1] < 30 and without_fields[3] == 0
    assert without_matrices[:2] == (30, 0) and without_matrices[3] > 0
    assert without_rows[0] < 30


def test_what_is_left_out_is_said_with_the_command_that_shows_it(made_up):
    analysis = made_up(labels=MOST_LABELS + 20, layers=("conv1",), units=3, both=False)

    page = report_page(analysis, origin=Origin("mine", "fm-keras show mine"))

    assert f"Matrices show {MOST_LABELS} of {MOST_LABELS + 20} labels" in page
    assert "<code>fm-keras show mine --layer L --filter N</code>" in page


def test_with_many_labels_a_matrix_holds_those_of_the_clusters_first(made_up):
    analysis = made_up(labels=MOST_LABELS + 20, layers=("conv1",), units=4, both=False)
    filters = analysis["conv1"]

    for row in rows_of(page_data(analysis)):
        unit, shown = row["filter"], row["shown"]
        clustered = np.flatnonzero(filters.cluster_of[unit] != NO_CLUSTER)
        assert len(shown) == MOST_LABELS
        assert set(clustered.tolist()) == set(shown[: len(clustered)])
        assert (bits(row, MOST_LABELS) == filters.above[unit][np.ix_(shown, shown)]).all()


def test_a_page_of_many_filters_and_labels_stays_below_15_mb(made_up, tmp_path):
    analysis = made_up(labels=100, layers=tuple(f"conv{number}" for number in range(4)), units=300, both=True)

    page = write_report(analysis, tmp_path / "page.html")

    assert 10e6 < page.stat().st_size < 15e6
    assert ROOM < 15e6


def test_dead_filters_and_filters_without_noise_make_no_nan_and_no_infinity(made_up):
    analysis = made_up(labels=4, layers=("conv1",), units=3, both=False)
    (filters,) = analysis
    table = filters.table.assign(snr=[np.inf, np.nan, 0.0], strength=[-np.inf, 1e-12, 1.0])
    dead = replace(filters, table=table, held=np.zeros_like(filters.held), cluster_of=np.full((3, 4), NO_CLUSTER))

    rows = {row["filter"]: row for row in rows_of(embedded(report_page(replace(analysis, measured=(dead,)))))}

    assert [rows[unit]["snr"] for unit in range(3)] == ["∞", None, 0.0]
    assert (levels(rows[0], 4) == 0).all()


@pytest.mark.parametrize("kinds", [("probe",), ("network",), ("probe", "network")])
def test_formulas_and_curves_are_of_the_kinds_that_were_measured(made_up, kinds):
    both = made_up()
    analysis = {"probe": made_up(both=False), "network": both.network}.get("".join(kinds), both)

    page = report_page(analysis)

    assert [kind["name"] for kind in embedded(page)["kinds"]] == list(kinds)
    assert ("<dt>Probe field</dt>" in page, "<dt>Network field</dt>" in page) == tuple(
        kind in kinds for kind in ("probe", "network")
    )


def test_hostile_names_stand_in_the_page_as_text_alone(made_up):
    analysis = replace(made_up(names=HOSTILE, layers=("<b>layer</b>", "a/b:1")), data=HOSTILE[0])

    page = report_page(analysis, origin=Origin(HOSTILE[1], "fm-keras show x"))

    assert "<script>hacked" not in page and "<img" not in page and "<b>layer" not in page and "\u2028" not in page
    assert embedded(page)["labels"] == list(HOSTILE)
    assert page.count("</script>") == 2


def test_nothing_in_the_page_points_outside_of_it(made_up):
    page = report_page(made_up())

    assert "default-src 'none'" in page
    assert re.findall(r"""(?:src|href|action)=["'](?!#|data:)""", page) == []
    assert re.findall(r"url\(|@import|fetch\(|XMLHttpRequest|WebSocket|innerHTML", page) == []
    assert set(re.findall(r"https?://[^\s\"'`)]+", page)) == {"http://www.w3.org/2000/svg"}


@pytest.fixture
def measured_run(run, made_up):
    """A run with a training of three epochs and an analysis."""
    history = pd.DataFrame({"epoch": [1, 2, 3], "accuracy": [0.5, 0.6, 0.7], "val_accuracy": [0.4, 0.6, 0.65]})
    with run.stage(TRAIN, {}, {}) as stage:
        history.assign(loss=1.0, val_loss=1.1).to_csv(stage.history, index=False)
    with run.stage(ANALYSIS, {}, {}) as stage:
        made_up().save(stage.path)
    return run


def test_the_report_of_a_run_is_a_stage_that_says_what_was_run(measured_run, made_up):
    path = write_run_report(measured_run, made_up())

    page = path.read_text("utf-8")
    assert path == measured_run.path / "report" / "report.html"
    assert measured_run.read_stage("report").path == path.parent
    assert "<dd>VGG-16, width 16</dd>" in page and "<dd>0.650</dd>" in page
    assert "fm-keras run digits" in page and "<code>d0</code>" in page
    assert embedded(page)["history"]["val_accuracy"] == [0.4, 0.6, 0.65]
    assert embedded(page)["command"] == "fm-keras show digits-vgg16"


def test_a_page_that_cannot_be_written_leaves_the_old_one(made_up, tmp_path, monkeypatch):
    path = write_report(made_up(), tmp_path / "page.html")
    before = path.read_text("utf-8")
    monkeypatch.setattr("fm_keras.reports.html.report_page", lambda *_, **__: "\ud800")

    with pytest.raises(UnicodeEncodeError):
        write_report(made_up(), path)

    assert path.read_text("utf-8") == before
    assert list(tmp_path.iterdir()) == [path]
