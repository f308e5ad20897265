"""models.config: which models TensorFlow Serving hosts, and where they lie."""

from __future__ import annotations

import re
from pathlib import Path

from filelock import FileLock

from fm_keras.errors import InvalidInput
from fm_keras.files import write_beside

MODELS_CONFIG = "models.config"
_CONTAINER = "/models"
_NEW = """\
# Which models TensorFlow Serving hosts: `fm-keras export` adds an entry for each new name, and leaves the rest.
# base_path is where the container sees saved_models/NAME.  In an entry may stand, too:
#   model_version_policy { specific { versions: 1 versions: 2 } }   # else the newest version alone
#   version_labels { key: "stable" value: 1 }                       # then /v1/models/NAME/labels/stable
"""
_EMPTY = "model_config_list {\n}\n"
_LIST = re.compile(r"^\s*model_config_list\s*:?\s*\{[^\S\n]*\n?", re.MULTILINE)


def check_models_config(folder: Path) -> None:
    """Refuse a models.config that nothing can be added to, before an export is written in vain.

    Args:
        folder: of the served models.

    Raises:
        InvalidInput: the file is no models.config.
    """
    path = folder / MODELS_CONFIG
    if path.exists():
        _names(path, path.read_text("utf-8"))


def add_to_models_config(folder: Path, name: str) -> Path:
    """Let models.config name a model; an entry that is there, and all the rest of the file, stay as they are.

    Args:
        folder: of the served models, which a container sees as /models.
        name: of the model.

    Returns:
        The file, made if need be.

    Raises:
        InvalidInput: the file is no models.config.
        BadRun: no space or no permission.
    """
    path = folder / MODELS_CONFIG
    with FileLock(folder / ".lock"):
        text = path.read_text("utf-8") if path.exists() else _NEW
        if name not in _names(path, text):
            entry = (
                f'  config {{\n    name: "{name}"\n    base_path: "{_CONTAINER}/{name}"\n'
                '    model_platform: "tensorflow"\n  }\n'
            )
            new = _with_entry(text, entry)
            if name not in _names(path, new):
                raise InvalidInput(f"{path} is no models.config with a model_config_list. Mend it or move it away.")
            with write_beside(path) as partial:
                partial.write_text(new, encoding="utf-8")
    return path


def _with_entry(text: str, entry: str) -> str:
    """The text with one more entry in its list; not by way of a message, since comments and order are the user's."""
    if not _LIST.search(text):
        text = f"{text}{_EMPTY}"
    return _LIST.sub(lambda found: f"{found[0].rstrip()}\n{entry}", text, count=1)


def _names(path: Path, text: str) -> list[str]:
    """Models that the text of a models.config names."""
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    try:
        config = text_format.Parse(text, ModelServerConfig())
    except text_format.ParseError as error:
        raise InvalidInput(f"{path} is no models.config: {str(error).rstrip('.')}. Mend it or move it away.") from None
    return [model.name for model in config.model_config_list.config]
