"""The versions that are served: found by polling, loaded, warmed up, lent to requests, drained and unloaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from fm_keras.serving.server.hosting import HostedModel
from fm_keras.serving.server.servable import Servable
from fm_keras.serving.server.statuses import Code, RequestError, invalid

Loader = Callable[[Path, str, int], Servable]
Report = Callable[[str, "Version"], None]


class State(IntEnum):
    """Where a version is in its life, numbered as ModelVersionStatus does."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """A version of a model, and what has become of it."""

    number: int
    path: Path
    state: State = State.START
    error: RequestError | None = None
    """why it could not be loaded"""
    servable: Servable | None = None
    lent: int = 0
    """requests that are using it"""
    failed_with: tuple = ()
    """its files when loading failed: it is tried again when they have changed"""


class Store:
    """Serves the wanted versions of some models; safe to use from many threads.

    Args:
        models: says which models there are, at every poll.
        load: loads and warms up a version; raises RequestError.
        report: told of every version of a model that became available, failed or was unloaded.
    """

    def __init__(
        self, models: Callable[[], list[HostedModel]], load: Loader, report: Report = lambda name, version: None
    ) -> None:
        self._models, self._load, self._report = models, load, report
        self._hosted: dict[str, HostedModel] = {}
        self._versions: dict[str, dict[int, Version]] = {}
        self._lock = threading.Lock()
        self._polling = threading.Lock()
        self._closed = False

    def poll(self) -> None:
        """Look at the folders once: load what is new, then let go of what is not wanted any more."""
        with self._polling:
            if self._closed:
                return
            hosted = {model.name: model for model in self._models()}
            with self._lock:
                gone = [name for name in self._hosted if name not in hosted]
                self._hosted = hosted
            for name in gone:
                self._keep(name, set())
            for model in hosted.values():
                self._poll_model(model)

    def replace_models(self, models: list[HostedModel]) -> None:
        """Host these models from now on, and load them before this returns."""
        self._models = lambda: models
        self.poll()

    @contextmanager
    def lend(self, name: str, version: int | None = None, label: str | None = None) -> Iterator[Servable]:
        """A version for the time of a request: it is not unloaded before.

        Args:
            name: of the model.
            version: its number; the largest that is available if None.
            label: of the version, instead of its number.

        Raises:
            RequestError: there is no such version, or it is not available.
        """
        lent = self._take(name, self._number(name, version, label))
        try:
            yield lent.servable
        finally:
            with self._lock:
                lent.lent -= 1
                drained = lent.lent == 0 and lent.state is State.UNLOADING
            if drained:
                self._unload(name, lent)

    def versions(self, name: str, version: int | None = None, label: str | None = None) -> list[Version]:
        """What has become of the versions of a model, largest first.

        Args:
            name: of the model.
            version: only this one.
            label: only the version with this label.

        Raises:
            RequestError: there is none.
        """
        number = self._number(name, version, label)
        with self._lock:
            found = dict(self._versions.get(name, {}))
        if not found and number is None:
            raise RequestError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
        if number is None:
            return [found[each] for each in sorted(found, reverse=True)]
        if number not in found:
            raise RequestError(Code.NOT_FOUND, f"Could not find version {number} of model {name}")
        return [found[number]]

    def hosts(self, name: str) -> bool:
        """Whether there is a model of this name."""
        return name in self._hosted

    def available(self) -> dict[str, list[int]]:
        """The versions that can be asked, by model."""
        with self._lock:
            return {name: [each.number for each in _available(known)] for name, known in self._versions.items()}

    def close(self) -> None:
        """Unload everything, as soon as the requests in flight have finished."""
        self._closed = True
        with self._polling:
            for name in list(self._versions):
                self._keep(name, set())

    def _number(self, name: str, version: int | None, label: str | None) -> int | None:
        if label is None:
            return version
        if version is not None:
            raise invalid(f"Both model version ({version}) and model version label ({label}) cannot be supplied.")
        model = self._hosted.get(name)
        if model is None or label not in model.labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        return model.labels[label]

    def _take(self, name: str, number: int | None) -> Version:
        with self._lock:
            known = self._versions.get(name, {})
            chosen = next((each for each in _available(known) if number in (None, each.number)), None)
            if chosen is None:
                asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
                raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            chosen.lent += 1
            return chosen

    def _poll_model(self, model: HostedModel) -> None:
        try:
            folders = model.folders()
        except OSError:
            return  # What is loaded is served on: the disk may come back.
        wanted = model.wanted(folders)
        for number in reversed(wanted):
            self._load_if_new(model.name, number, folders[number])
        known = self._versions.get(model.name, {})
        # An old version stays until a new one can take its place.
        if not wanted or any(known[number].state is State.AVAILABLE for number in wanted):
            self._keep(model.name, set(wanted))

    def _load_if_new(self, name: str, number: int, path: Path) -> None:
        old = self._versions.get(name, {}).get(number)
        if old and (old.state is not State.END or (old.error and old.failed_with == _files(path))):
            return
        version = Version(number, path, State.LOADING)
        with self._lock:
            self._versions[name] = {**self._versions.get(name, {}), number: version}
        found = _files(path)
        try:
            version.servable = self._load(path, name, number)
            version.state = State.AVAILABLE
        except RequestError as error:
            version.error, version.failed_with = error, found
            version.state = State.END
        self._report(name, version)

    def _keep(self, name: str, wanted: set[int]) -> None:
        drained = []
        with self._lock:
            for version in _available(self._versions.get(name, {})):
                if version.number not in wanted:
                    version.state = State.UNLOADING
                    if version.lent == 0:
                        drained.append(version)
        for version in drained:
            self._unload(name, version)

    def _unload(self, name: str, version: Version) -> None:
        version.servable.close()
        version.servable = None
        version.state = State.END
        self._report(name, version)


def _available(versions: dict[int, Version]) -> list[Version]:
    found = [version for version in versions.values() if version.state is State.AVAILABLE]
    return sorted(found, key=lambda version: -version.number)


def _files(path: Path) -> tuple:
    """What tells whether the files of a version have changed."""
    try:
        found = [(file.as_posix(), file.stat()) for file in sorted(path.rglob("*"))]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
