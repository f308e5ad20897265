"""How often the intervals of fitted laws of width hold the truth, by simulation; and how long a fit takes.

Curves are drawn around known laws with known noise and fitted by `fit_power_law`; every interval is stated to hold at
95 %.  `--quick` draws few curves: it shows that the script works.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from timing import arguments, machine

options = arguments(__doc__)

import numpy as np  # noqa: E402

from fm_keras.errors import CannotFit  # noqa: E402
from fm_keras.scaling import PowerLaw, fit_power_law  # noqa: E402

TWO_BY_TWO = [6.0 * 2**step for step in range(8)]


@dataclass(frozen=True)
class Scenario:
    """A law, how it is measured, and how it is fitted."""

    name: str
    true: dict[str, float]
    error: Callable[[np.ndarray], np.ndarray]
    widths: int
    seeds: int
    noise: float
    """standard deviation of the log error of a seed"""
    form: str
    growth: float = 1.0
    """noise at the largest width over that at the smallest"""
    deviation: float = 0.0
    """standard deviation of what all seeds of a width share, over that of the mean of its seeds"""

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Widths and errors of one sweep."""
        widths = np.array(TWO_BY_TWO[: self.widths])
        noise = self.noise * self.growth ** np.linspace(0, 1, self.widths)
        shared = self.deviation * noise / self.seeds**0.5 * rng.standard_normal(self.widths)
        logs = np.log(self.error(widths)) + shared + noise * rng.standard_normal((self.seeds, self.widths))
        return np.tile(widths, self.seeds), np.exp(logs.ravel())


def power(widths: np.ndarray) -> np.ndarray:
    """A power law alone."""
    return 0.9 * widths**-0.4


def with_floor(widths: np.ndarray) -> np.ndarray:
    """A power law with a floor."""
    return 1.5 * widths**-0.8 + 0.1


def with_small_floor(widths: np.ndarray) -> np.ndarray:
    """A power law with a floor that is less than half of the error at width 96."""
    return widths**-0.6 + 0.03


def sharp(widths: np.ndarray) -> np.ndarray:
    """A power law with another exponent from width 24 on, at once."""
    return np.where(widths < 24, 24**-0.35 * widths**-0.25, widths**-0.6)


def broken(widths: np.ndarray) -> np.ndarray:
    """A power law with another exponent from width 60 on."""
    turned = np.exp(-0.25 * 0.4 * np.logaddexp(0, np.log(widths / 60) / 0.25))
    return 0.9 * widths**-0.2 * turned


POWER, FLOOR = {"exponent": 0.4, "floor": 0.0}, {"exponent": 0.8, "floor": 0.1}
BROKEN = {"exponent": 0.6, "floor": 0.0}
SMALL = {"exponent": 0.6, "floor": 0.03}
SCENARIOS = [
    Scenario("power law", POWER, power, 5, 3, 0.03, "power"),
    Scenario("… one seed", POWER, power, 5, 1, 0.03, "power"),
    Scenario("… noise grows fourfold", POWER, power, 5, 3, 0.03, "power", growth=4),
    Scenario("… widths deviate", POWER, power, 5, 3, 0.03, "power", deviation=1),
    Scenario("… widths deviate much", POWER, power, 5, 3, 0.03, "power", deviation=3),
    Scenario("… fitted with a floor", POWER, power, 5, 3, 0.03, "floor"),
    Scenario("floor", FLOOR, with_floor, 5, 3, 0.02, "floor"),
    Scenario("… one seed", FLOOR, with_floor, 7, 1, 0.02, "floor"),
    Scenario("… widths deviate", FLOOR, with_floor, 7, 3, 0.02, "floor", deviation=1),
    Scenario("broken", BROKEN, broken, 8, 3, 0.02, "broken"),
    Scenario("power law, form by itself", POWER, power, 3, 3, 0.03, "auto"),
    Scenario("power law, form by itself", POWER, power, 4, 3, 0.03, "auto"),
    Scenario("power law, form by itself", POWER, power, 5, 3, 0.03, "auto"),
    Scenario("power law, form by itself", POWER, power, 5, 1, 0.03, "auto"),
    Scenario("power law, form by itself", POWER, power, 6, 3, 0.03, "auto"),
    Scenario("power law, form by itself", POWER, power, 8, 3, 0.03, "auto"),
    Scenario("floor, form by itself", FLOOR, with_floor, 4, 3, 0.02, "auto"),
    Scenario("floor, form by itself", FLOOR, with_floor, 7, 3, 0.02, "auto"),
    Scenario("small floor, form by itself", SMALL, with_small_floor, 5, 3, 0.03, "auto"),
    Scenario("small floor, form by itself", SMALL, with_small_floor, 5, 1, 0.03, "auto"),
    Scenario("small floor, form by itself", SMALL, with_small_floor, 7, 3, 0.02, "auto"),
    Scenario("broken, form by itself", BROKEN, broken, 8, 3, 0.02, "auto"),
    Scenario("broken at once, form by itself", BROKEN, sharp, 8, 3, 0.02, "auto"),
    Scenario("broken, too few widths to show it", BROKEN, broken, 5, 3, 0.02, "auto"),
    Scenario("floor, too few widths to show it", FLOOR, with_floor, 3, 3, 0.02, "auto"),
]


def held(scenario: Scenario, law: PowerLaw, rng: np.random.Generator) -> dict[str, bool]:
    """Which intervals of a fit hold what they shall hold."""
    twice = 2 * TWO_BY_TWO[scenario.widths - 1]
    target = float(scenario.error(np.array([twice]))[0])
    told = law.predict(twice)
    training = target * np.exp(scenario.noise * scenario.growth * rng.standard_normal())
    found = {
        "exponent": within(scenario.true["exponent"], law.intervals["exponent"]),
        "… bootstrap": within(scenario.true["exponent"], law.bootstrap["exponent"]),
        "law at twice the width": within(target, (told.low[0], told.high[0])),
        "a training there": within(training, (told.run_low[0], told.run_high[0])),
        "width for its error": needs(law, target, twice),
    }
    if "floor" in law.intervals:
        found["floor"] = within(scenario.true["floor"], law.intervals["floor"])
        found["… bootstrap of it"] = within(scenario.true["floor"], law.bootstrap["floor"])
    return found


def within(value: float, ends: tuple[float, float]) -> bool:
    """Whether a number lies between two ends, but for rounding."""
    return ends[0] <= value * (1 + 1e-9) and value * (1 - 1e-9) <= ends[1]


def needs(law: PowerLaw, error: float, width: float) -> bool:
    """Whether the width needed is right; that none will do never is."""
    try:
        needed = law.width_for(error)
    except CannotFit:
        return False
    return within(width, (needed.low, needed.high))


def simulate(scenario: Scenario, curves: int) -> dict[str, str]:
    """A row of the table: shares of intervals that hold the truth."""
    rng = np.random.default_rng(0)
    found, wide, refused, seconds = [], [], 0, []
    for _ in range(curves):
        start = time.perf_counter()
        try:
            law = fit_power_law(*scenario.draw(rng), form=scenario.form, rng=rng)
        except CannotFit:
            refused += 1
            continue
        seconds.append(time.perf_counter() - start)
        found.append(held(scenario, law, rng))
        wide.append(np.ptp(law.intervals["exponent"]) / 2)
    row = {"fits": str(len(found)), "no answer": str(refused), "half width": f"{np.median(wide):.3f}"}
    for name in COVERED:
        known = [each[name] for each in found if each.get(name) is not None]
        row[name] = f"{np.mean(known):.3f}" if known else ""
    return row | {"seconds": f"{np.median(seconds):.2f}"}


COVERED = [
    "exponent",
    "… bootstrap",
    "floor",
    "… bootstrap of it",
    "law at twice the width",
    "a training there",
    "width for its error",
]
COLUMNS = ["fits", "no answer", *COVERED, "half width", "seconds"]

curves = 20 if options.quick else 200
print(f"\n### Share of intervals that hold the truth, stated: 0.95; {curves} curves each\n")
print(f"| curve | {' | '.join(COLUMNS)} |\n| --- |{' --- |' * len(COLUMNS)}")
for each in SCENARIOS:
    row = simulate(each, curves)
    name = f"{each.name} ({each.widths} x {each.seeds}, noise {each.noise:.0%})"
    print(f"| {name} | {' | '.join(row[column] for column in COLUMNS)} |", flush=True)
print(f"\nTarget: 0.95 within chance, and 0.9 where widths deviate much. {machine()}.")
