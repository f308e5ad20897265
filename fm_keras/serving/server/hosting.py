"""Which models are hosted, from which folders, and which of their versions: a folder of models, and models.config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fm_keras.errors import InvalidInput

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

MODELS_CONFIG = "models.config"


@dataclass(frozen=True)
class HostedModel:
    """A model, and which versions of it are wanted."""

    name: str
    base_path: Path
    latest: int | None = 1
    """how many versions, largest first; None for all"""
    specific: tuple[int, ...] = ()
    """these versions instead"""
    labels: Mapping[str, int] = field(default_factory=dict)
    """version by label, such as stable"""

    def folders(self) -> dict[int, Path]:
        """The folder of every version there is: those with an integer as name."""
        return {int(path.name): path for path in sorted(self.base_path.iterdir()) if is_version(path)}

    def wanted(self, versions: Iterable[int]) -> list[int]:
        """Those of some versions that shall be served, largest first."""
        ordered = sorted(versions, reverse=True)
        if self.specific:
            return [version for version in ordered if version in self.specific]
        return ordered[: self.latest]


def is_version(path: Path) -> bool:
    """Whether a folder can be a version: its name is an integer, of 64 bits."""
    return path.name.isascii() and path.name.isdigit() and int(path.name) < 2**63 and path.is_dir()


def models_in(folder: Path) -> list[HostedModel]:
    """The models of a folder: each subfolder that holds versions, or the folder itself if it does.

    Args:
        folder: such as saved_models.

    Returns:
        One model a folder, its newest version wanted; by name.
    """
    if any(map(is_version, folder.iterdir())):
        return [HostedModel(folder.resolve().name, folder)]
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [HostedModel(path.name, path) for path in subfolders if any(map(is_version, path.iterdir()))]


def configured(config: ModelServerConfig, folder: Path) -> list[HostedModel]:
    """The models that a models.config names.

    Args:
        config: its content.
        folder: where a base path is looked for by its last name if it is not on this machine: a config for a
            container says /models/NAME.

    Returns:
        The models, in the order of the config.

    Raises:
        InvalidInput: a model without a name or path, twice the same name, or a platform other than tensorflow.
    """
    models = [_hosted(model, folder) for model in config.model_config_list.config]
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise InvalidInput(f"The models {', '.join(names)} need a name each.")
    return models


def hosted_models(folder: Path, config: ModelServerConfig | None) -> list[HostedModel]:
    """All models of a folder, with the versions and labels that a config gives to some of them."""
    models = {model.name: model for model in models_in(folder)}
    if config is not None:
        models |= {model.name: model for model in configured(config, folder)}
    return list(models.values())


def read_models_config(path: Path) -> ModelServerConfig:
    """A models.config.

    Raises:
        InvalidInput: no such file, or another content.
    """
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    return read_text_message(path, ModelServerConfig())


def read_text_message(path: Path, message: Message) -> Message:
    """Fill a message from a file of protobuf text.

    Raises:
        InvalidInput: no such file, or another content.
    """
    from google.protobuf import text_format

    try:
        return text_format.Parse(path.read_text("utf-8"), message)
    except FileNotFoundError:
        raise InvalidInput(f"{path}: there is no such file.") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: expected a {message.DESCRIPTOR.name} as text; {error}.") from None


def _hosted(model: ModelConfig, folder: Path) -> HostedModel:
    if not model.name or not model.base_path:
        raise InvalidInput(f"A model of a config needs a name and a base_path; received {str(model).strip()!r}.")
    if model.model_platform not in ("", "tensorflow"):
        raise InvalidInput(f"Model {model.name}: platform {model.model_platform!r} is not tensorflow.")
    here = Path(model.base_path)
    path = here if here.is_dir() else folder / here.name
    policy = model.model_version_policy
    chosen = policy.WhichOneof("policy_choice")
    return HostedModel(
        model.name,
        path,
        latest=None if chosen == "all" else max(1, policy.latest.num_versions),
        specific=tuple(policy.specific.versions) if chosen == "specific" else (),
        labels=dict(model.version_labels),
    )
