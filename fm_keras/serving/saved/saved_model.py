"""export: a measured network as a SavedModel that TensorFlow Serving hosts."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fm_keras.analysis import Analysis
from fm_keras.errors import InvalidInput
from fm_keras.numbers import count
from fm_keras.progress import Progress, Step, silent
from fm_keras.serving.saved.body import Body
from fm_keras.serving.saved.check import check_export
from fm_keras.serving.saved.configs import add_to_models_config, check_models_config
from fm_keras.serving.saved.export_record import write_record
from fm_keras.serving.saved.python_answers import PythonAnswers
from fm_keras.serving.saved.queries import Knowledge
from fm_keras.serving.saved.requests import Request, example_requests
from fm_keras.serving.saved.signatures import CLASSIFY, Signature, make_signatures
from fm_keras.serving.saved.version_folder import write_next_version
from fm_keras.serving.saved.warmup import check_serving_api, replay_warmup, write_warmup

FOLDER = "saved_models"
_CLASSIFY_METHOD = "tensorflow/serving/classify"
_STEPS = ("writing", "calling every signature", "warming up")
_CHECKED_ROWS = 6


def export(
    model: keras.Model,
    analysis: Analysis,
    *,
    to: str | Path = FOLDER,
    name: str | None = None,
    output_names: Sequence[str] | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    warmup: bool = True,
    progress: Progress = silent,
) -> Path:
    """Write a network and what is known of its filters as the next version of a served model.

    Clients ask it, over REST or gRPC, what the network makes of an image, what a layer knows, what a filter is worth,
    and which filters speak for a label; docs/serving.md lists the signatures.  The version is written beside its
    place, read again, every signature called and compared with what Python says, and renamed when all is well;
    `<to>/models.config` then names the model.

    Args:
        model: classifier with one output of logits or of their softmax, pruned or of the user's own; left as it was.
        analysis: of this model.
        to: folder of served models.
        name: under which it is served; the model's own if None.
        output_names: of the network's outputs; if None, the label names where there are as many, else numbers.
        preprocess: applied to every batch of images, inside the graph: as when the analysis was made.
        warmup: write requests that a server replays before it takes traffic.
        progress: told about every step.

    Returns:
        The folder `<to>/<name>/<version>`.

    Raises:
        InvalidInput: another backend than TensorFlow, tensorflow-serving-api is not installed, a name that no model
            can have, no logits to be found, an analysis of another network, a models.config that is none.
        ExportFailed: what was written does not answer as Python does; nothing is left of it.
        BadRun: no space or no permission.
    """
    _check_backend()
    check_serving_api()
    check_models_config(Path(to))
    name = _checked_name(name or model.name)
    body = Body(model, analysis, preprocess)
    progress(Step("export", 0, len(_STEPS), _STEPS[0]))
    knowledge = Knowledge(analysis, _output_names(body, analysis, output_names))
    job = _Export(name, body, knowledge, PythonAnswers(model, analysis, preprocess), warmup, progress)
    version = write_next_version(Path(to) / name, job.write)
    add_to_models_config(Path(to), name)
    return version


@dataclass(frozen=True, eq=False)
class _Export:
    """One export on its way to a folder."""

    name: str
    body: Body
    knowledge: Knowledge
    python: PythonAnswers
    warmup: bool
    progress: Progress

    def write(self, folder: Path) -> None:
        """Fill the folder of a version, once all signatures have answered as Python does."""
        import tensorflow as tf

        signatures = make_signatures(self.body, self.knowledge)
        with _full_disk_as_python_has_it(folder):
            self._write_saved_model(folder, signatures)
        self._report(1, _STEPS[1])
        rng = np.random.default_rng(0)
        with _exact_products():
            loaded = tf.saved_model.load(str(folder))
            check_export(loaded, self._requests(signatures, _CHECKED_ROWS, rng), self.python)
            self._report(2, _STEPS[2])
            if self.warmup:
                replay_warmup(write_warmup(folder, self.name, self._requests(signatures, 1, rng)), loaded)
        outputs = tuple(self.knowledge.names.outputs)
        write_record(folder, self.name, self.python.model, self.python.analysis, outputs, loaded)
        self._report(3, count(len(signatures), "signature"))

    def _write_saved_model(self, folder: Path, signatures: Mapping[str, Signature]) -> None:
        import tensorflow as tf

        archive = keras.export.ExportArchive()
        archive.track(self.body.network)
        archive.track(self.knowledge)
        for name, signature in signatures.items():
            archive.add_endpoint(name, signature.function, input_signature=signature.inputs)
        archive.write_out(str(folder), verbose=False)
        if CLASSIFY in signatures:
            updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
            updater.replace_method_name(signature_key=CLASSIFY, method_name=_CLASSIFY_METHOD)
            updater.save(str(folder))

    def _requests(self, signatures: Iterable[str], rows: int, rng: np.random.Generator) -> dict[str, Request]:
        labels = len(self.knowledge.names.labels)
        images, units = self.body.image_specs(), self.knowledge.units
        return example_requests(list(signatures), images, units, labels, rows=rows, rng=rng)

    def _report(self, done: int, note: str) -> None:
        self.progress(Step("export", done, len(_STEPS), note))


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InvalidInput(
            f"A SavedModel is written by the TensorFlow backend, and KERAS_BACKEND is {backend!r}. "
            "Set KERAS_BACKEND=tensorflow: models and analyses of either backend can be exported there."
        )


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII):
        raise InvalidInput(
            f"A served model cannot be called {name!r}: choose a name of letters, digits, '_', '-' and '.', "
            "that begins with a letter."
        )
    return name


def _output_names(body: Body, analysis: Analysis, given: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the network's outputs."""
    if given is not None and len(given) != body.outputs:
        raise InvalidInput(f"There are {len(given)} output_names, and {body.outputs} outputs. Give one for each.")
    if given is not None:
        return tuple(given)
    if len(analysis.label_names) == body.outputs:
        return analysis.label_names
    return tuple(map(str, range(body.outputs)))


@contextmanager
def _full_disk_as_python_has_it(folder: Path) -> Iterator[None]:
    """Turn TensorFlow's error for a full disk into that of the operating system."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if "No space left" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error


@contextmanager
def _exact_products() -> Iterator[None]:
    """Products in float32 throughout: a GPU rounds them to TF32, more than the tolerance."""
    import tensorflow as tf

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
