"""The reference page says what the docstrings say."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_reference_is_made_from_the_docstrings_of_today():
    made = runpy.run_path(str(DOCS / "reference.py"))["page"]()
    assert made == (DOCS / "reference.md").read_text(encoding="utf-8"), "run python docs/reference.py"
