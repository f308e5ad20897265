import click
import pytest

from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    ModelSpec,
    ProbeSettings,
    PruneSettings,
    TrainSettings,
)
from fm_keras_cli.main import cli
from fm_keras_cli.options import SettingOption, given, option_name, settings_options, with_preset

FROM_DATA = {(ModelSpec, "image_shape"), (ModelSpec, "labels")}
OF_RUN = {"fields": "both"}  # where the command has another default than the library
CLASSES = [DataSettings, ModelSpec, TrainSettings, ProbeSettings, AnalysisSettings]
SETTINGS = [(cls, field) for cls in CLASSES for field in cls.model_fields if (cls, field) not in FROM_DATA]


def options_of(name):
    return cli.get_command(click.Context(cli), name).params


@pytest.mark.parametrize(("cls", "field"), SETTINGS, ids=lambda part: getattr(part, "__name__", part))
def test_every_setting_has_one_option_of_run_with_its_help_and_default(cls, field):
    (option,) = [each for each in options_of("run") if each.name == option_name(cls, field)]
    first = next(owner for owner, other in SETTINGS if option_name(owner, other) == option.name)

    assert cls in option.owners
    assert option.help == first.model_fields[field].description
    assert option.default == OF_RUN.get(field, first.model_fields[field].default)


@pytest.mark.parametrize("field", PruneSettings.model_fields)
def test_every_setting_of_pruning_is_an_option_of_prune(field):
    (option,) = [each for each in options_of("prune") if each.name == field]

    assert option.help == PruneSettings.model_fields[field].description
    assert option.default == PruneSettings.model_fields[field].default


@pytest.mark.parametrize("field", ComplexitySettings.model_fields)
def test_every_setting_of_complexity_is_an_option_of_complexity(field):
    (option,) = [each for each in options_of("complexity") if each.name == option_name(ComplexitySettings, field)]

    assert option.help == ComplexitySettings.model_fields[field].description
    assert option.default == ComplexitySettings.model_fields[field].default


def test_a_command_has_no_option_that_means_nothing_to_it():
    assert not {"fields", "engine", "max_positions"} & {option.name for option in options_of("quality")}


@pytest.mark.parametrize("name", ["run", "train", "analyze", "quality", "prune"])
def test_no_command_has_two_options_of_one_name(name):
    flags = [flag for option in options_of(name) for flag in (*option.opts, *option.secondary_opts)]

    assert len(flags) == len(set(flags))


def test_options_of_no_setting_are_few():
    others = {option.name for option in options_of("run") if not isinstance(option, SettingOption)}

    assert others == {"name", "runs_dir", "plan", "resume", "as_json", "quiet"}


def asked(*words):
    """Settings that a command with the options of training and probes sees."""
    seen = {}

    @click.command()
    @settings_options(DataSettings, TrainSettings, ProbeSettings, AnalysisSettings)
    def command():
        seen["data"] = DataSettings(**given(DataSettings))
        seen["train"] = TrainSettings.from_preset(**with_preset(TrainSettings))
        seen["probe"] = ProbeSettings.from_preset(**with_preset(ProbeSettings))
        seen["analysis"] = AnalysisSettings(**given(AnalysisSettings))

    command.main(list(words), standalone_mode=False)
    return seen


def test_nothing_given_is_the_preset_quick():
    seen = asked()

    assert seen["train"] == TrainSettings()
    assert seen["probe"] == ProbeSettings()
    assert seen["analysis"] == AnalysisSettings()


def test_an_explicit_option_beats_the_preset_and_the_preset_beats_the_default():
    seen = asked("--preset", "paper", "--epochs", "7", "--probe-l2", "0.5")

    assert seen["train"] == TrainSettings.from_preset("paper", epochs=7)
    assert seen["probe"] == ProbeSettings.from_preset("paper", l2=0.5)


def test_an_option_given_as_its_default_still_beats_the_preset():
    default = TrainSettings().epochs

    assert asked("--preset", "paper", "--epochs", str(default))["train"].epochs == default


def test_one_seed_is_for_training_and_probes():
    seen = asked("--seed", "5")

    assert (seen["train"].seed, seen["probe"].seed) == (5, 5)


def test_one_number_of_devices_is_for_training_and_measuring():
    seen = asked("--devices", "2")

    assert (seen["train"].devices, seen["analysis"].devices) == (2, 2)


def test_options_of_one_name_in_two_settings_are_told_apart():
    seen = asked("--batch-size", "11", "--probe-batch-size", "12", "--measure-batch-size", "13")

    assert [seen[part].batch_size for part in ("train", "probe", "analysis")] == [11, 12, 13]


def test_labels_are_given_with_commas():
    assert asked("--labels", "cat, dog,7")["data"].labels == ("cat", "dog", "7")


def test_a_switch_can_be_turned_off():
    assert asked("--no-probe-standardize")["probe"].standardize is False
