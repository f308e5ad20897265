"""The paths of TensorFlow Serving's REST interface."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from fm_keras.serving.server.statuses import Code, RequestError, invalid

Verb = Literal["predict", "classify", "regress", "status", "metadata"]
_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)", re.I | re.A)
_GET = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<verb>metadata))?", re.I | re.A)
_LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Call:
    """What a path asks for."""

    verb: Verb
    name: str
    version: int | None
    label: str | None

    @property
    def asked(self) -> tuple[str, int | None, str | None]:
        """Which version of which model."""
        return self.name, self.version, self.label


def read_path(method: str, path: str) -> Call:
    """What a request asks for.

    Args:
        method: GET or POST.
        path: of the URL, still quoted.

    Raises:
        RequestError: no such path for that method.
    """
    found = {"GET": _GET, "POST": _POST}[method].fullmatch(path)
    if found is None:
        raise malformed(method, path)
    if found["name"] is None:
        raise invalid("Missing model name in request.")
    version = found["version"]
    if version is not None and int(version[:20]) > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return Call(
        verb=(found["verb"] or "status").lower(),
        name=unquote(found["name"]),
        version=None if version is None else int(version),
        label=None if found["label"] is None else unquote(found["label"]),
    )


def malformed(method: str, path: str) -> RequestError:
    """The error of a path that is none of the interface."""
    code = Code.INVALID_ARGUMENT if path.lower().startswith("/v1/") else Code.NOT_FOUND
    return RequestError(code, f"Malformed request: {method} {path}")
