"""Loads Keras and its backend without their noise."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

from fm_keras.errors import InvalidInput
from fm_keras.records import keras_backend
from fm_keras_cli.terminal import Terminal

_LOGGERS = ("absl", "jax", "tensorflow")


def load_backend(terminal: Terminal) -> None:
    """Import Keras, its backend and what works on them; the first time it takes seconds.

    Raises:
        InvalidInput: the backend is none of ours, or cannot be imported.
    """
    backend = keras_backend()
    with _loading(terminal, backend):
        try:
            from fm_keras.devices import check_backend, has_gpu
        except (ImportError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidInput(
                f"Keras cannot load its backend {backend!r}: {reason}. Set KERAS_BACKEND to tensorflow or jax."
            ) from error
        check_backend()
        import keras

        import fm_keras.analysis.job  # noqa: F401

        # Where TensorFlow looks for devices, and where Keras on JAX imports TensorFlow if it is installed.
        has_gpu()
        keras.utils.set_random_seed(0)


def load_tensorflow(terminal: Terminal) -> None:
    """Import TensorFlow without Keras; the first time it takes seconds.

    Raises:
        InvalidInput: it cannot be imported.
    """
    with _loading(terminal, "tensorflow"):
        try:
            import tensorflow as tf
        except ImportError as error:
            raise InvalidInput(f"TensorFlow cannot be loaded: {str(error).splitlines()[0]}.") from error
        tf.config.list_physical_devices()


@contextmanager
def _loading(terminal: Terminal, name: str) -> Iterator[None]:
    """Show that something is being loaded, instead of what it has to say."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for logger in _LOGGERS:
        logging.getLogger(logger).setLevel(logging.ERROR)
    shown = terminal.err.is_terminal and not terminal.quiet  # asked before stderr is turned away
    with _without_noise() as stderr, _spinner(stderr, f"loading {name} ...") if shown else nullcontext():
        yield


@contextmanager
def _without_noise() -> Iterator[TextIO]:
    """Drop what is written to the process' stderr; yields a file that still gets there.

    TensorFlow writes some lines before it reads any setting: https://github.com/tensorflow/tensorflow/issues/100442.
    """
    with tempfile.TemporaryFile() as noise, os.fdopen(os.dup(2), "w") as stderr:
        os.dup2(noise.fileno(), 2)
        try:
            yield stderr
        finally:
            os.dup2(stderr.fileno(), 2)


def _spinner(stderr: TextIO, text: str) -> AbstractContextManager:
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    # Live's own redirection would stay in the log handlers that are made during the import.
    return Live(
        Spinner("dots", text),
        console=Console(file=stderr, force_terminal=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
