"""The report page: one self-contained HTML file, from which no request leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fm_keras.analysis import Analysis
from fm_keras.analysis.answer import answer
from fm_keras.colors import DARK, LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.files import write_beside
from fm_keras.hashes import file_hash
from fm_keras.records import dump_settings, versions
from fm_keras.reports.formulas import formulas
from fm_keras.reports.origin import Origin
from fm_keras.reports.page_data import page_data, what_is_left_out
from fm_keras.runs import ANALYSIS, COMPLEXITY, REPORT, Run

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLES = ("page", "charts", "layers", "panel", "below", "notes", "narrow", "print")
_SCRIPTS = (
    "elements",
    "numbers",
    "data",
    "colors",
    "charts",
    "matrix",
    "zoom",
    "table",
    "panel",
    "overview",
    "complexity",
    "page",
)


def write_report(analysis: Analysis, path: str | Path, *, origin: Origin | None = None) -> Path:
    """Write an analysis as one web page: layers, filters, every matrix.

    Args:
        analysis: what is shown.
        path: the HTML file; below 15 MB, whatever the analysis holds.
        origin: the run it comes from, for the training, its settings and versions.

    Returns:
        The file.

    Raises:
        BadRun: no space or no permission.
    """
    path = Path(path)
    with write_beside(path) as partial:
        partial.write_text(report_page(analysis, origin=origin), encoding="utf-8")
    return path


def write_run_report(run: Run, analysis: Analysis, *, origin: Origin | None = None) -> Path:
    """Write the report of a run as its stage `report`.

    Args:
        run: the run.
        analysis: its analysis.
        origin: where the page says that it comes from; `Origin.of(run)` if None.

    Returns:
        The HTML file.

    Raises:
        BadRun: a damaged run, no space or no permission.
    """
    page = report_page(analysis, origin=origin or Origin.of(run))
    inputs = {"filters": file_hash(run.read_stage(ANALYSIS).filters)}
    if (run.path / COMPLEXITY).is_dir():
        inputs["complexity"] = file_hash(run.read_stage(COMPLEXITY).layers)
    with run.stage(REPORT, {"analysis": analysis.settings}, inputs) as stage:
        stage.page.write_text(page, encoding="utf-8")
    return run.read_stage(REPORT).page


def report_page(analysis: Analysis, *, origin: Origin | None = None) -> str:
    """The report page as HTML."""
    data = page_data(analysis, origin)
    kinds = {kind["name"] for kind in data["kinds"]}
    return (
        _environment()
        .get_template("report.html")
        .render(
            **_about(analysis, origin),
            data=data,
            left_out=what_is_left_out(data),
            way_to_any=f"{origin.command} --layer L --filter N" if origin else 'analysis["L"].fields_of([N])',
            formulas=formulas(probe="probe" in kinds, network="network" in kinds),
            palettes=((":root", asdict(LIGHT)), (":root[data-theme=dark]", asdict(DARK))),
            style="\n".join(_template(f"{name}.css") for name in _STYLES),
            scripts="\n".join(_template(f"{name}.js") for name in _SCRIPTS),
        )
    )


def _about(analysis: Analysis, origin: Origin | None) -> dict[str, Any]:
    """What the page says in words about the run, the images and how it was made."""
    record = origin.record if origin else None
    measured = {"analysis": analysis.settings, **({"probe": analysis.probe} if analysis.probe else {})}
    return {
        "title": origin.name if origin else analysis.data,
        "answer": answer(analysis.layers()),
        "today": date.today().isoformat(),
        "analysis": analysis,
        "filters": sum(len(layer) for layer in analysis),
        "origin": origin,
        "record": record,
        "settings": _shown({**(record.settings if record else {}), **dump_settings(measured)}),
        "versions": record.versions if record else versions(),
    }


def _shown(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Settings as people read them; a word for what was left open."""
    return {name: {key: _setting(value) for key, value in part.items()} for name, part in settings.items()}


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader
    except ImportError:
        raise InvalidInput('A report page needs Jinja2: pip install "fm-keras[report]".') from None
    environment = Environment(loader=FunctionLoader(_template), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


def _template(name: str) -> str:
    return (files("fm_keras.reports") / "templates" / name).read_text(encoding="utf-8")
