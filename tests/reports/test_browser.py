"""The report page in a real browser: headless Chromium, driven by selenium."""

import json
from urllib.parse import quote

import pytest

from fm_keras.reports.html import write_report
from fm_keras.reports.origin import Origin
from fm_keras.reports.page_data import page_data
from fm_keras.reports.page_filters import COLUMNS, rank_filters

NAMES = ("cat", "dog", "<img src=x onerror=window.hacked=1>", "</script><script>window.hacked=1</script>", "W" * 200)


@pytest.fixture
def analysis(made_up):
    return made_up(names=NAMES, layers=("conv1", "block/conv2", "conv3"))


@pytest.fixture
def page(chromium, browse, analysis, tmp_path):
    """The page of a small analysis; what the browser complains about fails the test."""
    chromium.get_log("browser"), chromium.get_log("performance")
    yield browse(write_report(analysis, tmp_path / "page.html", origin=Origin("mine", "fm-keras show mine")))
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    asked = [each["request"]["url"] for each in sent if each["documentURL"].startswith("file:")]
    assert chromium.get_log("browser") == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert any(url.endswith("page.html") for url in asked)


def test_the_page_opens_at_the_best_filter_of_the_last_layer(page, analysis):
    page.open()

    best = rank_filters(analysis.network["conv3"].table)["filter"].iloc[0]
    assert page.hash == f"#conv3/{best}"
    assert page.text("#panel-title") == f"Filter {best} of 12 in conv3"
    assert [each.get_attribute("aria-selected") for each in page.all("#layers button")] == ["false", "false", "true"]
    assert len(page.all("#curves svg")) == 4


def test_a_click_on_a_header_sorts_the_rows_and_another_turns_them_round(page, analysis):
    page.open()
    noise = analysis["conv3"].table["external_noise"].tolist()

    page.one("th[data-column='external_noise'] button").click()
    up, state = page.column(3), page.one("th[data-column='external_noise']").get_attribute("aria-sort")
    page.one("th[data-column='external_noise'] button").click()

    assert [int(text) for text in up] == sorted(noise)
    assert state == "ascending"
    assert [int(text) for text in page.column(3)] == sorted(noise, reverse=True)


def test_rows_can_be_those_of_a_label_or_of_a_word(page, analysis):
    page.open()
    holding = [row.filter for row in analysis["conv3"].table.itertuples() if 1 in sum(row.labels, ())]

    page.one("#label-filter option[value='1']").click()
    of_label = sorted(map(int, page.column(1)))
    page.one("#label-filter option[value='']").click()
    page.one("#text-filter").send_keys("dog")
    of_word = sorted(map(int, page.column(1)))
    page.one("#text-filter").clear()
    page.one("#text-filter").send_keys("7")

    assert of_label == of_word == holding
    assert page.column(1) == ["7"]


def test_a_click_on_a_row_shows_its_matrices_and_changes_the_address(page):
    page.open()

    page.one("tr[data-filter='5']").click()

    assert page.hash == "#conv3/5"
    assert page.text("#panel-title").startswith("Filter 5 ")
    assert [each.text.split()[0] for each in page.all(".matrix figcaption")] == ["Field", "Thresholded", "Permuted"] * 2
    assert [each.text.split(":")[0] for each in page.all("#panel h3")] == ["Probe field", "Network field"]


def test_an_address_opens_its_filter_and_a_wrong_one_the_last_layer(page):
    assert (
        page.open(f"#{quote('block/conv2', safe='')}/3")
        .text("#panel-title")
        .startswith("Filter 3 of 12 in block/conv2")
    )
    assert page.hash == "#block%2Fconv2/3"
    assert page.open("#conv1").text("#panel-title").endswith("in conv1")
    assert page.open("#nothing/%E0%A4%A").text("#panel-title").endswith("in conv3")
    page.run("location.hash = '#conv1/2'")
    assert page.text("#panel-title").startswith("Filter 2 of 12 in conv1")


def test_the_value_under_the_pointer_is_that_of_the_field(page, analysis):
    page.open("#conv3/5")
    field = analysis["conv3"].fields[5]
    canvas = page.one(".plot svg")
    side = page.run("document.querySelector('.plot canvas').getBoundingClientRect().width") / len(NAMES)
    middle = page.run(
        "(s => (c => c.left + c.width / 2 - s.left - s.width / 2)(document.querySelector('.plot canvas')"
        ".getBoundingClientRect()))(arguments[0].getBoundingClientRect())",
        canvas,
    )

    page.point_at(canvas, right=round(middle - side), down=round(middle - 2 * side))  # dog, cat

    said = page.run("[...document.getElementById('tip').children].map(line => line.textContent)")
    value = float(said[1].split(" ")[0].replace("−", "-"))
    assert said[0] == "cat → dog"
    assert value == pytest.approx(field[0, 1], abs=float(abs(field).max()) / 127)
    assert page.run("document.querySelectorAll('.plot .name.own').length") == 6


def test_arrows_walk_over_layers_filters_and_elements(page):
    from selenium.webdriver.common.keys import Keys

    page.open("#conv3/5")
    page.driver.execute_script("document.querySelector('#layers [aria-selected=true]').focus()")
    page.keys(Keys.ARROW_LEFT)
    assert page.text("#panel-title").endswith("in block/conv2")

    page.driver.execute_script("document.querySelector('#table tbody tr').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.text("#panel-title").startswith(f"Filter {page.column(1)[2]} ")
    assert page.run("document.activeElement.dataset.filter") == page.column(1)[2]

    page.driver.execute_script("document.querySelector('.plot').focus()")
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert page.text("#tip b") == "dog → dog"
    page.keys(Keys.ENTER)
    assert page.one("#zoom").is_displayed()
    page.keys(Keys.ESCAPE)
    assert not page.one("#zoom").is_displayed()


def test_a_click_on_a_curve_chooses_the_layer(page):
    page.open()

    page.run("document.querySelector('#curves .target').dispatchEvent(new MouseEvent('click', {bubbles: true}))")

    assert page.text("#panel-title").endswith("in conv1")


def test_dark_follows_the_system_until_it_is_chosen_and_is_remembered(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.open(theme="light").run(paper) == "rgb(255, 255, 255)"
    assert page.open(theme="dark").run(paper) == "rgb(18, 22, 28)"

    page.one("#theme").click()

    assert page.run(paper) == "rgb(255, 255, 255)"
    assert page.open(theme="dark").run("document.documentElement.dataset.theme") == "light"
    page.run("localStorage.clear()")


@pytest.mark.parametrize(
    ("left_out", "said"), [(["field"], "The values of its field are"), (["field", "above"], "Its matrix is")]
)
def test_what_is_not_on_the_page_is_named_with_the_command_that_shows_it(page, analysis, monkeypatch, left_out, said):
    data = page_data(analysis, Origin("mine", "fm-keras show mine"))
    for row in (row for kind in data["kinds"] for layer in kind["layers"] for row in layer["filters"]):
        for name in left_out:
            row[COLUMNS.index(name)] = None
    monkeypatch.setattr("fm_keras.reports.html.page_data", lambda *_: data)
    write_report(analysis, page.path)

    page.open("#block%2Fconv2/3")

    command = "fm-keras show mine --layer block/conv2 --filter 3"
    assert f"{said} not on this page: {command}" in page.text("#panel")


def test_hostile_names_are_shown_as_they_are_and_run_nothing(page):
    page.open()
    page.one("tr[data-filter='5']").click()

    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    assert [each.get_attribute("textContent") for each in page.all("#label-filter option")] == ["any", *NAMES]


@pytest.mark.parametrize("width", [1400, 1000, 390])
def test_the_page_is_never_wider_than_the_window(page, width):
    page.open("#conv1/3", width=width)

    assert page.run("document.documentElement.scrollWidth") <= width
    for plot in page.run("[...document.querySelectorAll('.plot')].map(plot => plot.getBoundingClientRect().right)"):
        assert plot <= width


def test_printing_draws_the_light_page_and_goes_back(page):
    page.open(theme="dark")

    pdf = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})

    assert len(pdf["data"]) > 10_000
    assert page.run("document.documentElement.dataset.theme") == "dark"


def test_the_numbers_of_the_page_are_written_as_the_command_line_writes_them(page, analysis):
    from fm_keras.numbers import figures

    page.open()

    shown = page.run("[...document.querySelectorAll('#curves b')].map(value => value.textContent)")
    last = analysis.layers().iloc[-1]
    assert shown[:3] == [f"{last.accuracy:.3f}", figures(float(f"{last.snr:.4g}")), figures(float(f"{last.noise:.4g}"))]
