"""Download of a tensorflow-datasets set: only where its host answers, with its progress reported."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from fm_keras.errors import DataNotFound
from fm_keras.progress import Progress, Step

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder

ANSWER_SECONDS = 5
REPORT_SECONDS = 0.5
MEGABYTE = 1e6


def download(builder: DatasetBuilder, name: str, root: Path, progress: Progress) -> None:
    """Download and prepare a set below `root`.

    Without network tensorflow-datasets tries for 200 s before it gives up, so the host is asked first.

    Raises:
        DataNotFound: the set must be fetched by hand, its host does not answer, or the download fails.
    """
    import tensorflow_datasets as tfds

    remedy = (
        "If you have it prepared elsewhere, give its folder as --data-dir or TFDS_DATA_DIR; "
        f"to prepare it: tfds build {name} --data_dir {root}. Without a download: digits, folder:PATH, npz:PATH."
    )
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        page = f"https://www.tensorflow.org/datasets/catalog/{builder.name}"
        raise DataNotFound(f"{name} is not in {root}, and its files must be fetched by hand, see {page}. {remedy}")
    silent = _silent_host(builder.url_infos)
    if silent:
        raise DataNotFound(f"{name} is not in {root}, and cannot be downloaded: {silent} does not answer. {remedy}")
    # It prints to stdout, which belongs to the caller, and draws bars of its own.
    tfds.disable_progress_bar()
    size = round(sum(info.size for info in builder.url_infos.values()) / MEGABYTE)
    try:
        with redirect_stdout(StringIO()), _reported(f"downloading {name}", root / "downloads", size, progress):
            builder.download_and_prepare(download_dir=root / "downloads")
    except (OSError, tfds.download.DownloadError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataNotFound(f"{name} is not in {root}, and preparing it there failed: {reason} {remedy}") from error


def _silent_host(urls: Iterable[str]) -> str | None:
    """First host that does not answer at all; one that answers with an error is left to the download."""
    for host, url in {urlsplit(url).netloc: url for url in urls}.items():
        try:
            urlopen(Request(url, method="HEAD"), timeout=ANSWER_SECONDS).close()
        except HTTPError as answer:
            answer.close()
        except (OSError, HTTPException):
            return host
    return None


@contextmanager
def _reported(what: str, folder: Path, size: int, progress: Progress) -> Iterator[None]:
    """Report the megabytes that arrive in a folder while the body runs."""
    before, done = _bytes_in(folder), threading.Event()

    def watch() -> None:
        while not done.wait(REPORT_SECONDS):
            progress(Step(what, min(round((_bytes_in(folder) - before) / MEGABYTE), size), size, "MB"))

    progress(Step(what, 0, size, "MB"))
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    progress(Step(what, size, size, "MB"))


def _bytes_in(folder: Path) -> int:
    """Bytes of all downloaded files, without what was extracted from them; files may vanish meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() and "extracted" not in file.parts else 0
        except OSError:
            continue
    return total
