import json

import pytest

from fm_keras.analysis import load_analysis
from fm_keras.runs import Run


def test_report_writes_the_page_of_a_run_and_ends_with_where_it_lies_and_its_size(command, runs_dir):
    outcome = command("report", "small", "--runs-dir", runs_dir)

    page = runs_dir / "small" / "report" / "report.html"
    assert outcome.code == 0
    shown = outcome.out.replace("\n", "")  # a long path is folded
    assert shown.startswith(f"Report: {page} (") and shown.endswith(" kB)")
    assert f"fm-keras show small --runs-dir {runs_dir}" in page.read_text("utf-8")
    assert Run.open("small", runs_dir).read_stage("report").path == page.parent


def test_report_writes_where_it_is_told_and_says_so_as_json(command, runs_dir, tmp_path):
    outcome = command("report", "small", "--runs-dir", runs_dir, "-o", tmp_path / "page.html", "--json")

    said = json.loads(outcome.out)
    assert said == {"path": str(tmp_path / "page.html"), "bytes": (tmp_path / "page.html").stat().st_size}


def test_report_shows_a_folder_that_holds_nothing_but_an_analysis(command, runs_dir, tmp_path):
    folder = tmp_path / "mine"
    load_analysis(Run.open("small", runs_dir).path / "analysis").save(folder)

    outcome = command("report", folder)

    assert outcome.code == 0
    assert "<h1>mine</h1>" in (folder / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nothing"], "There is no run 'nothing'."), (["small", "-o", "/dev/null/page.html"], "/dev/null: File exists.")],
)
def test_what_cannot_be_reported_is_one_line(command, runs_dir, words, said):
    outcome = command("report", *words, "--runs-dir", runs_dir)

    assert outcome.code == 1
    assert said in outcome.err and outcome.err.count("\n") == 1


def test_a_run_without_an_analysis_names_the_command_that_makes_it(command, root, run):
    outcome = command("report", run.name, "--runs-dir", root)

    assert outcome.code == 1
    assert "has no stage 'analysis' yet. Make it: fm-keras run digits" in outcome.err
