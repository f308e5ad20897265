import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from fm_keras.analysis import analyze
from fm_keras.settings import ProbeSettings

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'&amp;'", "猫" * 200)


@pytest.fixture
def analysis(network, blobs):
    blobs = dataclasses.replace(blobs, label_names=EVIL)
    return analyze(network, blobs, probe=ProbeSettings(epochs=1, batch_size=16))


class Tags(HTMLParser):
    """Which tags there are, and all text."""

    def __init__(self, page):
        super().__init__()
        self.names, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)

    def handle_data(self, data):
        self.text += data + " "


def test_an_analysis_shows_a_row_for_every_layer_and_the_answer(analysis):
    shown = Tags(analysis._repr_html_())

    assert shown.names.count("tr") == len(analysis) + 1
    assert "block/conv" in shown.text
    assert "the noise of a filter" in shown.text


def test_a_filter_shows_every_element_with_its_value_and_a_dot_for_every_noise(analysis):
    view = analysis.filter("hidden", 2)

    svg = ElementTree.fromstring(re.search("<svg.*</svg>", view._repr_html_()).group())

    rects = svg.findall("{*}rect")
    assert len([rect for rect in rects if rect.find("{*}title") is not None]) == 2 * 16
    assert len([rect for rect in rects if rect.get("fill") == "none"]) == view.row.n_clusters
    assert len(svg.findall("{*}circle")) == view.noise.sum()


def test_the_largest_field_is_the_darkest_blue_and_a_negative_one_grey(analysis):
    from fm_keras.colors import LIGHT

    view = analysis.filter("hidden", 2)
    svg = ElementTree.fromstring(re.search("<svg.*</svg>", view._repr_html_()).group())

    fills = [rect.get("fill") for rect in svg.findall("{*}rect")][:16]
    field = view.field[np.ix_(view.order, view.order)].ravel()
    assert fills[int(field.argmax())] == LIGHT.field_high
    assert [fill == LIGHT.negative for fill in fills] == (field < 0).tolist()


def test_names_of_any_kind_stay_text(analysis):
    for shown in (analysis, analysis.filter("hidden", 2), analysis.filter("block/conv", 0)):
        page = shown._repr_html_()
        assert not {"script", "img"} & set(Tags(page).names)
        assert "猫" * 20 not in re.sub("<b>.*?</b>", "", page)


def test_showing_needs_neither_matplotlib_nor_keras():
    program = (
        "import sys; import fm_keras.analysis.notebook;"
        "print(sorted({'matplotlib', 'keras', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")
