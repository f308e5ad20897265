import pytest

from fm_keras.serving.saved.configs import add_to_models_config

pytest.importorskip("tensorflow_serving")


def names(path):
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    return [
        (model.name, model.base_path, model.model_platform)
        for model in text_format.Parse(path.read_text(), ModelServerConfig()).model_config_list.config
    ]


def test_models_are_named_as_a_container_sees_them(tmp_path):
    add_to_models_config(tmp_path, "first")
    path = add_to_models_config(tmp_path, "second")

    assert path == tmp_path / "models.config"
    assert sorted(names(path)) == [
        ("first", "/models/first", "tensorflow"),
        ("second", "/models/second", "tensorflow"),
    ]


def test_a_new_config_says_what_may_stand_in_it(tmp_path):
    add_to_models_config(tmp_path, "first")
    text = add_to_models_config(tmp_path, "second").read_text()

    assert text.startswith("# Which models TensorFlow Serving hosts") and "version_labels" in text
    assert text.endswith("  }\n}\n") and "\n\n" not in text


def test_a_model_that_is_named_stays_as_it_is_down_to_the_comments(tmp_path):
    text = '# mine\nmodel_config_list: { config { name: "first" base_path: "/elsewhere" } }  # end\n'
    (tmp_path / "models.config").write_text(text)

    add_to_models_config(tmp_path, "first")
    assert (tmp_path / "models.config").read_text() == text
    path = add_to_models_config(tmp_path, "second")

    assert "# mine" in path.read_text() and "# end" in path.read_text()
    assert sorted(names(path)) == [("first", "/elsewhere", ""), ("second", "/models/second", "tensorflow")]


@pytest.mark.parametrize("text", ["[]", "model_config_list {", 'model_config_list { config { nam: "a" } }'])
def test_what_is_no_models_config_is_one_line_and_stays(tmp_path, message_of, text):
    (tmp_path / "models.config").write_text(text)

    assert "is no models.config" in message_of(add_to_models_config, tmp_path, "first")
    assert (tmp_path / "models.config").read_text() == text


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "custom_model_config { }"])
def test_a_config_without_a_list_is_given_one_or_refused(tmp_path, message_of, text):
    (tmp_path / "models.config").write_text(text)

    if "custom" in text:
        assert "is no models.config" in message_of(add_to_models_config, tmp_path, "first")
    else:
        assert names(add_to_models_config(tmp_path, "first")) == [("first", "/models/first", "tensorflow")]
