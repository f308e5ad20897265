"""Who may import whom: the lines of the house, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
FILES = [*HOME.glob("fm_keras/**/*.py"), *HOME.glob("cli/**/*.py")]
SOURCES = sorted(file.relative_to(HOME).as_posix() for file in FILES)

# A part may import the rows above its own, and itself.
ROWS = [
    {"errors", "progress", "numbers", "colors"},
    {"settings"},
    {"files", "devices", "distribution"},
    {"hashes", "records"},
    {"runs"},
    {"data", "filters"},
    {"models"},
    {"training"},
    {"slicing"},
    {"analysis"},
    {"pruning", "complexity"},
    {"scaling"},
    {"reports"},
    {"callbacks", "serving"},
]
# What some parts are made of alone; all other parts may use what is installed.
NUMBERS = {"numpy", "scipy"}
POINTS = (
    "boruvka copies distances epochs fisher linear measures minima neighbors plan points prim ratio spheres table "
    "tree".split()
)
FITS = "bootstrap curve fitting forms noise powerlaw region search".split()
FITS_USE = {"fm_keras.errors", "fm_keras.numbers", "fm_keras.scaling"}
ONLY = {
    "fm_keras.filters": {"numpy", "pandas", "networkx", "fm_keras.errors", "fm_keras.filters"},
    **{f"fm_keras.complexity.{each}": {*NUMBERS, "fm_keras.errors", "fm_keras.complexity"} for each in POINTS},
    **{f"fm_keras.scaling.{each}": {*NUMBERS, *FITS_USE} for each in FITS},
    "fm_keras.errors": set(),
    "fm_keras.settings": {"pydantic", "fm_keras.errors", "fm_keras.settings"},
}
BACKENDS = {"tensorflow", "tensorflow_datasets", "jax"}
BACKEND_PLACES = (
    "fm_keras.data",
    "fm_keras.distribution",
    "fm_keras.serving",
    "fm_keras.training",
    "fm_keras.slicing.gates",
    "fm_keras.slicing.compiled",
    "fm_keras.complexity.accelerated",
    "fm_keras.callbacks.tensorboard",
)
RAY_PLACE = "fm_keras.scaling.sweeping.cluster"
# A method of a noun that hands over to a later part, when it is called.
DOORS = {("fm_keras.analysis.nouns", "fm_keras.reports.write_report")}
NO_KERAS = {
    "",
    "errors",
    "progress",
    "numbers",
    "colors",
    "reports",
    "settings",
    "files",
    "hashes",
    "records",
    "runs",
    "filters",
}
SLOW = {"keras", "torch", "ray", *BACKENDS}


@dataclass(frozen=True)
class Import:
    """One imported module, and whether it waits for a function call."""

    module: str
    line: int
    late: bool


def module_of(path: str) -> str:
    """fm_keras/data/__init__.py -> fm_keras.data; cli/main.py -> fm_keras_cli.main."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["fm_keras_cli" if parts[0] == "cli" else parts[0], *parts[1:]])


def imports_of(path: str, source: str) -> list[Import]:
    """Every import of a source, relative ones resolved; without those for type checkers, which never run."""
    module, found = module_of(path), []
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]

    def visit(node: ast.AST, late: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, late) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.extend(Import(f"{base}.{alias.name}", node.lineno, late) for alias in node.names)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            visit(child, late or inside)

    visit(ast.parse(source), False)
    return found


def is_in(module: str, packages) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def row_of(part: str) -> int | None:
    return next((number for number, row in enumerate(ROWS) if part in row), None)


def part_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("fm_keras.") else ""


def complaint_about(module: str, imported: Import) -> str | None:
    """What is wrong with an import of a module of the library, if anything."""
    part, top = part_of(module), imported.module.split(".")[0]
    if is_in(imported.module, ["fm_keras_cli", "cli"]):
        return "nobody imports the command line"
    if top in {"rich", "click"}:
        return "rich and click occur in cli/ alone: the library is silent"
    if top in {"pickle", "torch"} or is_in(imported.module, ["keras.src", "tensorflow.keras"]):
        return "not in this house: use keras and keras.ops, and arrays without pickle"
    if top in BACKENDS and not is_in(module, BACKEND_PLACES):
        return f"use keras.ops; {top} is imported by name in {', '.join(BACKEND_PLACES)} alone"
    if top in BACKENDS and not imported.late:
        return f"import {top} inside the function that needs it: the rest runs where it is not installed"
    if top == "ray" and not (module == RAY_PLACE and imported.late):
        return f"ray is imported in {RAY_PLACE} alone, inside the function that needs it"
    if top == "keras" and part in NO_KERAS and not imported.late:
        return "this module is imported without waiting for Keras"
    for owner, allowed in ONLY.items():
        outside = top not in sys.stdlib_module_names and not is_in(imported.module, allowed)
        if is_in(module, [owner]) and outside:
            return f"{owner} is made of {', '.join(sorted(allowed)) or 'nothing but Python'} alone"
    if imported.late and (module, imported.module) in DOORS:
        return None
    return complaint_about_order(part, part_of(imported.module))


def complaint_about_order(part: str, used: str) -> str | None:
    """What is wrong with one part of the library using another, if anything."""
    if row_of(used) is None or part in {"", used}:
        return None
    if row_of(part) is None:
        return f"the part {part!r} has no row in ROWS of tests/test_imports.py: give it one"
    return None if row_of(used) < row_of(part) else f"{part} may import what stands above it; {used} does not"


def complaints(path: str, source: str) -> list[str]:
    """Every line of a source that breaks a rule, and how."""
    module, found = module_of(path), []
    for imported in imports_of(path, source):
        if is_in(module, ["fm_keras_cli"]):
            slow = imported.module.split(".")[0] in SLOW and not imported.late
            why = "import it inside the command: --help must not wait" if slow else None
        else:
            why = complaint_about(module, imported)
        if why:
            found.append(f"{path}:{imported.line} imports {imported.module}: {why}")
    for node in ast.walk(ast.parse(source)):
        written = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if written in {"tf.keras", "keras.src", "tensorflow.keras"}:
            found.append(f"{path}:{node.lineno} uses {written}: only the public API of keras")
        prints = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if prints and not is_in(module, ["fm_keras_cli"]):
            found.append(f"{path}:{node.lineno} prints: the library is silent")
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_every_import_follows_the_lines_of_the_house(path):
    found = complaints(path, (HOME / path).read_text("utf-8"))

    assert found == [], "\n".join(found)


def test_every_part_of_the_library_stands_in_a_row():
    parts = {part_of(module_of(path)) for path in SOURCES if path.startswith("fm_keras/")} - {""}
    assert sorted(part for part in parts if row_of(part) is None) == [], "give it a row in ROWS of this file"


@pytest.mark.parametrize(
    ("path", "source", "why"),
    [
        ("fm_keras/data/a.py", "import fm_keras.models", "data may import what stands above it; models does not"),
        ("fm_keras/models/a.py", "from fm_keras import training", "models may import what stands above it"),
        ("fm_keras/models/a.py", "from ..slicing import cuts", "models may import what stands above it"),
        ("fm_keras/filters/a.py", "import scipy.stats", "fm_keras.filters is made of"),
        ("fm_keras/scaling/powerlaw.py", "import pandas", "fm_keras.scaling.powerlaw is made of"),
        ("fm_keras/models/a.py", "def f():\n    import tensorflow as tf", "use keras.ops; tensorflow"),
        ("fm_keras/data/a.py", "import tensorflow as tf", "import tensorflow inside the function"),
        ("fm_keras/slicing/gates.py", "from jax import grad", "import jax inside the function"),
        ("fm_keras/scaling/sweeping/local.py", "def f():\n    import ray", "ray is imported in"),
        ("fm_keras/scaling/sweeping/cluster.py", "import ray", "inside the function"),
        ("fm_keras/runs.py", "import keras", "without waiting for Keras"),
        ("fm_keras/analysis.py", "from rich.table import Table", "rich and click occur in cli/ alone"),
        ("fm_keras/analysis.py", "def f():\n    from fm_keras_cli import main", "nobody imports the command line"),
        ("fm_keras/models/a.py", "from keras.src import backend", "not in this house"),
        ("fm_keras/models/a.py", "import keras\nkeras.src.backend", "uses keras.src"),
        ("fm_keras/data/a.py", "def f(tf):\n    return tf.keras.Input", "uses tf.keras"),
        ("fm_keras/stray.py", "import fm_keras.errors", "the part 'stray' has no row"),
        ("fm_keras/models/a.py", "print(1)", "prints"),
        ("cli/run.py", "import keras", "--help must not wait"),
    ],
)
def test_a_wrong_import_is_named_with_its_line_and_what_is_wrong(path, source, why):
    (complaint,) = complaints(path, source)

    assert complaint.startswith(f"{path}:{len(source.splitlines())} ")
    assert why in complaint


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("fm_keras/data/a.py", "def f():\n    import tensorflow as tf"),
        ("fm_keras/slicing/gates.py", "def f():\n    import jax"),
        ("fm_keras/filters/a.py", "import numpy as np\nfrom fm_keras.errors import InvalidInput\nfrom .b import c"),
        ("fm_keras/hashes.py", "if TYPE_CHECKING:\n    import keras, tensorflow"),
        ("fm_keras/__init__.py", "def __getattr__(name):\n    from fm_keras.analysis import analyze"),
        ("cli/run.py", "import click\nfrom .render import show\ndef run():\n    import fm_keras, keras\n    print(1)"),
    ],
)
def test_what_the_house_allows_brings_no_complaint(path, source):
    assert complaints(path, source) == []


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("fm_keras", SLOW),
        ("fm_keras.settings", SLOW),
        ("fm_keras.filters", SLOW),
        ("fm_keras.runs", SLOW),
        ("fm_keras.complexity", {*SLOW, "pandas", "sklearn"}),
        ("fm_keras.data", SLOW),
        ("fm_keras.models", SLOW),
        ("fm_keras.analysis", SLOW),
        ("fm_keras.scaling", {*SLOW, "pandas"}),
        ("fm_keras.scaling.sweeping", SLOW),
        ("fm_keras_cli.show", SLOW),
        ("fm_keras.serving.client.client", {*SLOW, "pandas", "scipy", "fastapi"}),
        ("fm_keras_cli.query", {*SLOW, "pandas", "scipy"}),
        ("fm_keras_cli.main", {*SLOW, "pandas", "scipy", "sklearn"}),
    ],
)
def test_importing_it_does_not_wait_for_what_is_slow(module, left_out):
    program = f"import {module}, sys; print(sorted({left_out} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")
