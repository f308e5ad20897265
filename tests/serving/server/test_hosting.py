"""Which models and versions a models.config asks for."""

import pytest

from fm_keras.errors import InvalidInput
from fm_keras.serving.server.hosting import HostedModel


@pytest.fixture
def base(tmp_path):
    """A model with version 1, beside another with version 4."""
    for folder in ("toy/1", "other/4"):
        (tmp_path / "models" / folder).mkdir(parents=True)
    return tmp_path / "models" / "toy"


def configured_by(text, folder):
    pytest.importorskip("tensorflow_serving")
    from fm_keras.serving.server.hosting import hosted_models, read_models_config

    (folder / "models.config").write_text(text)
    return hosted_models(folder, read_models_config(folder / "models.config"))


ENTRY = 'config {{ name: "toy" base_path: "{path}" model_platform: "tensorflow" {more} }}'


def test_a_config_says_which_versions_and_labels_the_models_of_a_folder_have(base):
    policy = 'model_version_policy { specific { versions: 1 versions: 3 } } version_labels { key: "stable" value: 1 }'
    text = f"model_config_list {{ {ENTRY.format(path='/models/toy', more=policy)} }}"

    models = {model.name: model for model in configured_by(text, base.parent)}

    assert set(models) == {"toy", "other"}
    assert models["toy"] == HostedModel("toy", base, latest=1, specific=(1, 3), labels={"stable": 1})


def test_a_config_may_name_a_folder_elsewhere(base, tmp_path):
    (tmp_path / "here").mkdir()
    text = f"model_config_list {{ {ENTRY.format(path=base, more='model_version_policy { all {} }')} }}"

    (model,) = configured_by(text, tmp_path / "here")

    assert (model.base_path, model.latest) == (base, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model_config_list {", "expected a ModelServerConfig as text"),
        ("model_config_list { config { name: 'a' } }", "needs a name and a base_path"),
        (
            "model_config_list { config { name: 'a' base_path: '/a' model_platform: 'jax' } }",
            "platform 'jax' is not tensorflow",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/a' } config { name: 'a' base_path: '/b' } }",
            "a name each",
        ),
    ],
)
def test_a_config_that_cannot_be_meant_is_one_line(tmp_path, text, said):
    with pytest.raises(InvalidInput, match=said):
        configured_by(text, tmp_path)
