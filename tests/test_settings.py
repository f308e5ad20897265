import pytest

from fm_keras.errors import InvalidInput
from fm_keras.settings import AnalysisSettings, ModelSpec, ProbeSettings, PruneSettings, SweepSettings, TrainSettings


def test_an_explicit_value_beats_the_preset_and_the_preset_beats_the_default():
    settings = TrainSettings.from_preset("paper", epochs=5)
    assert (settings.epochs, settings.schedule, settings.max_shift) == (5, "step", None)
    assert (settings.learning_rate, settings.momentum, settings.l2) == (0.01, 0.975, 1e-3)
    assert settings.preset == "paper"


def test_the_defaults_are_the_preset_quick():
    assert TrainSettings.from_preset("quick") == TrainSettings()
    assert ProbeSettings.from_preset("quick") == ProbeSettings()


def test_a_changed_setting_is_validated_again():
    with pytest.raises(InvalidInput) as error:
        TrainSettings().changed(epochs=0)
    assert str(error.value) == "Setting epochs: input should be greater than or equal to 1; received 0."


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        AnalysisSettings().threshold = 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: AnalysisSettings(threshold=1.5),
            "Setting threshold: input should be less than 1; received 1.5.",
        ),
        (
            lambda: AnalysisSettings(method="magic"),
            "Setting method: input should be 'greedy' or 'clique'; received 'magic'.",
        ),
        (
            lambda: TrainSettings.from_preset("fast"),
            "There is no preset 'fast'. Presets: quick, paper.",
        ),
        (
            lambda: ModelSpec(colour="red"),
            "There is no setting 'colour'. ModelSpec has: " + ", ".join(ModelSpec.model_fields) + ".",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(make, message):
    with pytest.raises(InvalidInput) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "cls", [ModelSpec, TrainSettings, ProbeSettings, AnalysisSettings, PruneSettings, SweepSettings]
)
def test_every_setting_says_what_it_is(cls):
    assert [name for name, field in cls.model_fields.items() if not field.description] == []


def test_unset_block_widths_are_left_out_so_that_older_records_stay_the_same():
    assert "block_widths" not in ModelSpec().model_dump(mode="json")
    assert ModelSpec(**ModelSpec(block_widths=(1, 2)).model_dump(mode="json")).block_widths == (1, 2)


@pytest.mark.parametrize("cls", [TrainSettings, AnalysisSettings])
def test_the_devices_are_where_it_is_done_and_no_part_of_what_is_done(cls):
    settings = cls(devices=4).changed(seed=3)
    assert (settings.devices, settings.seed) == (4, 3)
    assert settings.model_dump() == cls(seed=3).model_dump()
