import pytest

from fm_keras.settings import TrainSettings
from fm_keras.training import finished_epochs, train_model


def test_no_epoch_is_kept_where_nothing_was_trained(tmp_path):
    assert finished_epochs(tmp_path) == 0


def test_a_damaged_state_keeps_no_epoch(tmp_path):
    (tmp_path / "state.npz").write_bytes(b"PK broken off")

    assert finished_epochs(tmp_path) == 0


def test_the_epochs_before_an_interruption_are_kept(tmp_path, small_model, stripes):
    def stop(step):
        if step.note.startswith("2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(small_model(), stripes, settings=TrainSettings(epochs=5), checkpoints=tmp_path, progress=stop)

    assert finished_epochs(tmp_path) == 1
