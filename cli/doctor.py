"""fm-keras doctor: whether this machine can do the work, and what to do where it cannot."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from fm_keras.errors import FmKerasError
from fm_keras_cli.command import Command, reporting, runs_dir_option
from fm_keras_cli.terminal import Terminal


@dataclass(frozen=True)
class Check:
    """One line of the doctor: what was found, and what to do if it is wrong."""

    name: str
    found: str
    advice: str = ""
    needed: bool = False
    """whether `fm-keras run` fails as long as the advice is not followed"""


@click.command(cls=Command)
@runs_dir_option
@click.option("--data-dir", help="folder of prepared tensorflow-datasets (default: TFDS_DATA_DIR)")
@reporting
@click.pass_context
def doctor(ctx: click.Context, *, terminal: Terminal, runs_dir: Path, data_dir: str | None) -> None:
    """Check this machine: versions, device, folders.  Exit code 1 if `fm-keras run` would fail."""
    from rich.text import Text

    from fm_keras_cli.tables import ORANGE, TEAL, new_table

    checks = [*_versions(), *_device(terminal), _data(data_dir), _tensorflow_datasets(), _runs(runs_dir)]
    table = new_table(left=("",))
    table.show_header = False
    table.add_column("")
    for check in checks:
        found = Text(check.found)
        if check.advice:
            found.append(f"\n{check.advice}", ORANGE)
        table.add_row(Text(f"{'!' if check.advice else '✓'} {check.name}", ORANGE if check.advice else TEAL), found)
    broken = [check.name for check in checks if check.needed and check.advice]
    said = f"Not ready: {', '.join(broken)}." if broken else "Ready:  fm-keras run"
    terminal.result({"ready": not broken, "checks": [asdict(check) for check in checks]}, table, Text(f"\n{said}"))
    ctx.exit(1 if broken else 0)


def _versions() -> list[Check]:
    from fm_keras.records import versions

    found = versions()
    backend = found.pop("backend")
    named = ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")
    return [Check("Python", sys.version.split()[0]), Check("versions", named), Check("backend", backend)]


def _device(terminal: Terminal) -> list[Check]:
    from fm_keras_cli.backend import load_backend

    try:
        load_backend(terminal)
    except FmKerasError as error:
        return [Check("device", "unknown", str(error), needed=True)]
    from fm_keras.devices import choose_precision, choose_xla, describe_device

    xla = "with" if choose_xla("auto") else "without"
    return [
        Check("device", describe_device()),
        Check("training", f"precision auto is {choose_precision('auto')}, {xla} XLA"),
    ]


def _data(data_dir: str | None) -> Check:
    from fm_keras.data import describe_sources
    from fm_keras.data.tfds import tfds_root

    sources, folder = describe_sources(data_dir), tfds_root(data_dir)
    prepared = sources.loc[sources["where"].str.startswith("prepared"), "name"]
    found = f"{folder}: {', '.join(prepared) or 'nothing prepared yet'}"
    given = data_dir or os.environ.get("TFDS_DATA_DIR")
    if given and not folder.is_dir():
        return Check("data", found, "There is no such folder: set TFDS_DATA_DIR to where data sets are or shall be.")
    return Check("data", found)


def _tensorflow_datasets() -> Check:
    missing = [name for name in ("tensorflow", "tensorflow_datasets") if find_spec(name) is None]
    if not missing:
        return Check("data sets", "tensorflow-datasets is installed")
    advice = f"pip install {' '.join(missing).replace('_', '-')}; until then: digits, folder:PATH, npz:PATH."
    return Check("data sets", f"{' and '.join(missing)} not installed", advice)


def _runs(runs_dir: Path) -> Check:
    there = next(folder for folder in (runs_dir.absolute(), *runs_dir.absolute().parents) if folder.exists())
    if os.access(there, os.W_OK) and there.is_dir():
        return Check("runs", f"{runs_dir} can be written")
    return Check("runs", f"{runs_dir} cannot be written", "Choose a folder you may write to: --runs-dir.", needed=True)
