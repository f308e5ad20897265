"""Host measured networks: SavedModels for TensorFlow Serving, an embedded server, and a light client.

saved/   export: a network and its filters, written beside, checked against Python, renamed
server/  an embedded server, which hosts a folder of SavedModels over REST and gRPC as TensorFlow Serving does
client/  asks a server over REST, without TensorFlow

Importing this package, or its client, imports neither Keras nor TensorFlow.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Client": "fm_keras.serving.client",
    "ExportRecord": "fm_keras.serving.saved",
    "Server": "fm_keras.serving.server",
    "add_to_models_config": "fm_keras.serving.saved",
    "export": "fm_keras.serving.saved",
    "read_record": "fm_keras.serving.saved",
}

__all__ = ["Client", "ExportRecord", "Server", "add_to_models_config", "export", "read_record"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(_HOMES)}.")
