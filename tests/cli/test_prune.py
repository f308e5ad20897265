"""fm-keras prune: a plan that changes nothing, a stage that is kept, a sweep that goes on, errors of one line."""

import json

import keras
import pytest

from fm_keras.pruning import Pruning, load_plan
from fm_keras.runs import Run
from fm_keras_cli.bars import Bars

FAST = ("--repair", "recalibrate", "--epochs", 0, "--images", 50)
BARE = ("--repair", "none", "--epochs", 0)


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_a_plan_lists_layers_with_what_goes_and_why_and_changes_nothing(command, here):
    before = sorted(here.rglob("*"))

    outcome = command("prune", "small", "--runs-dir", here, "--rule", "kernel_l1", "--keep", 0.5, "--plan")

    heads, conv1, conv2, *_ = outcome.out.splitlines()
    assert heads.split() == ["layer", "filters", "kept", "MACs", "now", "->", "then", "why", "these"]
    assert conv1.split()[:3] == ["conv1", "6", "3"]
    assert conv2.split()[:3] == ["conv2", "16", "8"]
    assert conv1.strip().endswith("smallest kernels")
    last = " ".join(outcome.out.split())
    assert "In all: " in last and "It takes about 0:" in last
    assert last.endswith("Nothing has been changed; leave --plan out to do it.")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(("rule", "target"), [("kernel_l1", ("--keep", 0.5)), ("random_afcc", ("--dilution", 0.5))])
def test_a_plan_says_how_long_each_part_takes(command, here, rule, target):
    words = ("prune", "small", "--runs-dir", here, "--rule", rule, *target, "--plan", "--json")
    all_of_it, bare = document(command(*words)), document(command(*words, *BARE))
    assert set(all_of_it["stages"]) == {"choosing", "measuring", "repair", "fine-tuning"}
    assert all_of_it["seconds"] == pytest.approx(sum(all_of_it["stages"].values()))
    assert min(all_of_it["stages"].values()) > 0
    assert (bare["stages"]["repair"], bare["stages"]["fine-tuning"]) == (0, 0)


def test_the_result_is_a_stage_of_the_run_with_all_its_files(command, here):
    found = document(command("prune", "small", "--runs-dir", here, "--keep", 0.5, "--name", "half", *FAST, "--json"))

    stage = here / "small" / "prune" / "half"
    assert found["path"] == str(stage)
    assert [row["step"] for row in found["steps"]] == ["whole", "cut", "repaired"]
    assert {row["measure"] for row in found["savings"]} >= {"parameters", "MACs", "file size", "latency 1"}
    names = {"model.keras", "plan.json", "plan.npz", "steps.csv", "effect.csv", "savings.csv", "stage.json"}
    assert {path.name for path in stage.iterdir()} == names
    pruning = Pruning.load(stage)
    assert pruning.model.get_layer("conv2").filters == 8
    assert pruning.accuracy("repaired") == pytest.approx(found["steps"][-1]["accuracy"])
    load_plan(stage).check(keras.saving.load_model(here / "small" / "train" / "model.keras", compile=False))


def test_the_same_command_again_does_nothing(command, here):
    words = ("prune", "small", "--runs-dir", here, "--keep", 0.5, *FAST)
    first = command(*words)
    model = here / "small" / "prune" / "taylor_squared-keep-0.5" / "model.keras"
    made = model.stat().st_mtime_ns

    again = command(*words)

    assert (again.code, again.out) == (0, first.out)
    assert "as before" in again.err
    assert model.stat().st_mtime_ns == made


def test_interrupted_fine_tuning_goes_on_where_it_stopped(command, here, monkeypatch):
    words = ("prune", "small", "--runs-dir", here, "--keep", 0.5, "--repair", "none", "--epochs", 2)
    show = Bars.__call__

    def stop(bars, step):
        if step.stage == "train" and step.done > step.total // 2:
            raise KeyboardInterrupt
        show(bars, step)

    with monkeypatch.context() as patch:
        patch.setattr(Bars, "__call__", stop)
        stopped = command(*words)
    assert (stopped.code, stopped.out) == (130, "")
    assert "Stopped after 1 epoch of fine-tuning. The same command cuts again and goes on from there." in stopped.err

    outcome = command(*words)

    assert outcome.code == 0
    assert "goes on after 1 epoch" in outcome.err
    assert [path.name for path in (here / "small" / "prune").iterdir()] == ["taylor_squared-keep-0.5"]


def test_other_settings_get_a_name_of_their_own_and_never_a_name_that_is_taken(command, here):
    words = ("prune", "small", "--runs-dir", here, "--rule", "random", "--keep", 0.5)
    command(*words, *BARE)
    assert document(command(*words, *BARE, "--seed", 1, "--json"))["path"].endswith("random-keep-0.5-2")

    command(*words, *BARE, "--name", "mine")
    outcome = command(*words, *BARE, "--seed", 2, "--name", "mine")

    assert outcome.code == 1
    assert "holds something else already. Keep this one elsewhere: --name or --to." in outcome.err


def test_the_last_lines_say_in_words_what_came_out_and_what_to_do_next(command, here):
    outcome = command("prune", "small", "--runs-dir", here, "--keep", 0.5, *FAST)

    said = " ".join(outcome.out.split())
    assert "The pruned network recognizes " in said and "% of the MACs" in said
    saved = here / "small" / "prune" / "taylor_squared-keep-0.5"
    lines = "".join(outcome.err.split())  # long paths are folded
    assert f"Savedin{saved}" in lines
    assert f"fm-kerasanalyze{saved / 'model.keras'}--datasetdigits" in lines


def test_the_next_command_names_the_same_images(command, mine, tmp_path):
    images = ("--dataset", "digits", "--limit", 100, "--labels", "9,8,7,6,5,4,3,2,1,0")
    plan = ("--rule", "kernel_l1", "--keep", 0.5, *BARE, "--plan", "--to", tmp_path / "p")
    outcome = command("prune", mine, *images, *plan)
    assert "--dataset digits --labels 9,8,7,6,5,4,3,2,1,0 --limit 100 --apply" in " ".join(outcome.err.split())


def test_a_file_is_pruned_into_a_folder_beside_it(command, mine, tmp_path):
    words = ("prune", mine, "--dataset", "digits", "--limit", 100, "--rule", "kernel_l1", "--macs", 0.4)

    found = document(command(*words, *FAST, "--json"))

    assert found["path"] == str(tmp_path / "mine-kernel_l1-macs-0.4")
    macs = next(row for row in found["savings"] if row["measure"] == "MACs")
    assert macs["ratio"] <= 0.4
    assert document(command(*words, *FAST, "--to", tmp_path / "there", "--json"))["path"] == str(tmp_path / "there")


def test_what_was_pruned_can_be_analyzed_and_pruned_again(command, mine, tmp_path):
    images = ("--dataset", "digits", "--limit", 100)
    first = document(command("prune", mine, *images, "--rule", "kernel_l1", "--keep", 0.5, *FAST, "--json"))
    model = f"{first['path']}/model.keras"

    analyzed = document(
        command("analyze", model, *images, "--probe-epochs", 1, "--to", tmp_path / "analysis", "--json")
    )
    again = document(command("prune", model, *images, "--rule", "kernel_l1", "--keep", 0.5, *FAST, "--json"))

    assert next(row for row in analyzed["layers"] if row["layer"] == "conv2")["units"] == 8
    assert Pruning.load(again["path"]).model.get_layer("conv2").filters == 4


def test_a_plan_can_be_kept_edited_and_applied(command, here, tmp_path):
    run = ("prune", "small", "--runs-dir", here)
    command(*run, "--rule", "kernel_l1", "--keep", 0.5, *BARE, "--plan", "--to", tmp_path / "plan")
    file = tmp_path / "plan" / "plan.json"
    record = json.loads(file.read_text())
    record["removed"] = {"conv2": [0, 5]}
    file.write_text(json.dumps(record))

    found = document(command(*run, "--apply", tmp_path / "plan", *FAST, "--json"))

    assert Pruning.load(found["path"]).plan.removed == {"conv2": [0, 5]}


@pytest.mark.parametrize("asked", [("--keep", 0.5), ("--keep", 0.5, "--plan"), ("--sweep", "--rule", "kernel_l1")])
def test_images_that_do_not_fit_are_one_line(asked, command, mine, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    outcome = command("prune", mine, "--dataset", "digits", "--labels", "3,5", *asked, "--epochs", 0)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: Model 'lenet5' has 10 outputs, but digits has 2 labels.")
    assert sorted(tmp_path.rglob("*")) == before


def test_afcc_cuts_connections_and_reports_them_apart(command, here):
    words = ("prune", "small", "--runs-dir", here, "--rule", "afcc")
    planned = command(*words, "--plan")
    assert planned.out.splitlines()[0].split() == ["layer", "connections", "kept", "dilution"]

    found = document(command(*words, *FAST, "--json"))

    assert [row["step"] for row in found["steps"]] == ["whole", "cut", "repaired", "removed"]
    assert all(0 <= row["dilution"] <= 1 for row in found["dilution"])
    assert "of the connections are cut" in found["answer"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give exactly one of keep, macs, params, latency; received none."),
        (("--keep", 0.5, "--macs", 0.5), "received keep=0.5, macs=0.5."),
        (("--keep", 0.5, "--dilution", 0.5), "dilution is for the rules afcc and random_afcc"),
        (("--rule", "magic", "--keep", 0.5), "There is no rule 'magic'. Rules: "),
        (("--rule", "none.py:mine", "--keep", 0.5), "Rule none.py:mine: 'none.py' cannot be imported: "),
        (("--rule", "json:mine", "--keep", 0.5), "Rule json:mine: 'json' has no function 'mine'."),
        (("--rule", "kernel_l1", "--macs", 0.0001), "cannot be met"),
        (("--rule", "kernel_l1", "--keep", 0.5, "--layers", "conv9"), "has no layer 'conv9'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(words, said, command, here):
    before = sorted(path for path in here.rglob("*") if ".lock" not in path.name)

    outcome = command("prune", "small", "--runs-dir", here, *words)

    assert outcome.code == 1
    assert said in outcome.err.splitlines()[-1]
    assert outcome.err.splitlines()[-1].startswith("Error: ")
    assert sorted(path for path in here.rglob("*") if ".lock" not in path.name) == before


def test_a_plan_made_for_another_model_is_one_line(command, here, mine, tmp_path):
    plan = ("--rule", "kernel_l1", "--keep", 0.5, *BARE, "--plan", "--to", tmp_path / "p")
    command("prune", "small", "--runs-dir", here, *plan)
    model = keras.saving.load_model(mine, compile=False)
    model.get_layer("conv1").bias.assign_add([1.0] * 6)
    model.save(mine)

    outcome = command("prune", mine, "--dataset", "digits", "--limit", 100, "--apply", tmp_path / "p")

    assert outcome.code == 1
    assert "The plan was made for another model than" in outcome.err.splitlines()[-1]


def test_a_folder_without_a_plan_is_one_line(command, here):
    outcome = command("prune", "small", "--runs-dir", here, "--apply", here)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == f"Error: {here / 'plan.json'} is missing. Plan again."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine.keras", "--keep", "0.5"), "Say with which images MODEL is pruned: --dataset."),
        (("small", "--plan", "--sweep"), "--plan and --sweep do not go together."),
        (("small", "--keeps", "0.5"), "--keeps goes with --sweep"),
        (("small", "--sweep", "--keeps", "0.5,2"), "--keeps takes shares between 0 and 1"),
        (("small", "--sweep", "--keep", "0.5"), "--sweep tries the shares of --keeps: leave out --keep."),
        (("small", "--apply", ".", "--keep", "0.5"), "--apply says itself what goes: leave out --keep."),
        (("small", "--apply", ".", "--layers", "conv1"), "--apply says itself what goes: leave out --layers."),
        (("small", "--plan", "--to", ".", "--keep", "0.5"), "such as a plan that was edited: name another folder."),
        (("small", "--keep", "1.5"), "1.5 is not in the range 0<x<1."),
    ],
)
def test_options_that_do_not_fit_are_named(words, said, command):
    outcome = command("prune", *words)
    assert outcome.code == 2
    assert said in outcome.err


def test_the_run_is_still_whole(command, here):
    command("prune", "small", "--runs-dir", here, "--rule", "random", "--keep", 0.5, *FAST)
    run = Run.open("small", here)
    for stage in ("train", "analysis"):
        run.read_stage(stage)
