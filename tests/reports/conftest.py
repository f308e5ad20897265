import shutil
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

from fm_keras.analysis import Analysis, LayerFilters
from fm_keras.filters import find_clusters, measure_filters, threshold_fields
from fm_keras.settings import AnalysisSettings, ProbeSettings

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def made_up_layer(layer, units, labels, sharp, rng, *, kind="probe"):
    """Filters that each pick up to three labels, the more cleanly the larger `sharp` is."""
    fields = rng.normal(-0.2, 1.2 - sharp, (units, labels, labels)).astype(np.float32)
    for field in fields:
        picked = rng.choice(labels, min(labels, rng.integers(1, 4)), replace=False)
        field[np.ix_(picked, picked)] += 3
    above = threshold_fields(fields)
    cluster_of = find_clusters(above)
    table = measure_filters(above, cluster_of, fields)
    quality = rng.normal(0.002, 0.004, units) + 0.001 * rng.exponential(5, units)
    table = table.assign(quality=quality, quality_low=quality - 0.002, quality_high=quality + 0.003)
    accuracy = 0.4 + 0.5 * sharp if kind == "probe" else np.nan
    return LayerFilters(layer, "8 x 8", accuracy, None, None, cluster_of, table, 0.3, held=fields)


@pytest.fixture
def made_up(rng):
    """An analysis of made-up fields: both kinds with quality unless said otherwise."""

    def make(*, labels=10, layers=("conv1", "block/conv2", "conv3"), units=12, names=None, both=True):
        names = tuple(names or (f"label {number}" for number in range(labels)))

        def measure(kind):
            sharps = np.linspace(0.2, 0.9, len(layers))
            parts = (made_up_layer(*each, rng, kind=kind) for each in _each(layers, units, len(names), sharps))
            return tuple(parts)

        shared = {"label_names": names, "data": "made up", "images": 1000}
        network = Analysis(
            measured=measure("network"), settings=AnalysisSettings(fields="network"), probe=None, **shared
        )
        probes = measure("probe")
        if not both:
            probes = tuple(_without_quality(filters) for filters in probes)
        return Analysis(
            measured=probes,
            settings=AnalysisSettings(fields="both" if both else "probe"),
            probe=ProbeSettings(),
            network=network if both else None,
            **shared,
        )

    return make


def _each(layers, units, labels, sharps):
    return ((layer, units, labels, sharp) for layer, sharp in zip(layers, sharps))


def _without_quality(filters):
    table = filters.table.drop(columns=[name for name in filters.table if name.startswith("quality")])
    return LayerFilters(
        filters.layer, filters.map, filters.accuracy, None, None, filters.cluster_of, table, 0.3, held=filters.held
    )


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A headless browser, driven by selenium."""
    if CHROMIUM is None or DRIVER is None or find_spec("selenium") is None:
        pytest.skip(
            "needs Chromium, its driver and selenium: apt-get install chromium chromium-driver; pip install selenium"
        )
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


class Page:
    """A report in the browser."""

    def __init__(self, driver, path):
        self.driver, self.path = driver, path

    def open(self, address="", *, width=1400, theme="light"):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        features = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri() + address)
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(f"return {script}", *arguments)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def text(self, selector):
        return self.run("document.querySelector(arguments[0]).textContent", selector)

    def column(self, number):
        """The texts of one column of the filters."""
        return self.run(
            "[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[arguments[0]].innerText)", number
        )

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def point_at(self, element, right=0, down=0):
        from selenium.webdriver.common.action_chains import ActionChains

        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.driver).move_to_element_with_offset(element, right, down).perform()

    @property
    def hash(self):
        return self.run("location.hash")


@pytest.fixture
def browse(chromium):
    """The page of a report's file."""
    return partial(Page, chromium)
