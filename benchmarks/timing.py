"""What the benchmarks share: warm medians, a Markdown table of ratios, and the machine they were taken on."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def arguments(description: str) -> argparse.Namespace:
    """`--quick` for a run that only shows that the script works."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smaller and less exact")
    return parser.parse_args()


def medians(tasks: dict[str, Callable[[], object]], *, repeats: int = 3) -> dict[str, float]:
    """Seconds of each task: a warm-up, then the median of runs taken in turn, so that all see the same machine."""
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def show(title: str, seconds: dict[str, float], base: str, *, target: str) -> None:
    """Print the medians and their ratios to the one called `base`."""
    print(f"\n### {title}\n\n| what | seconds | ratio to {base} |\n| --- | --- | --- |")
    for name, value in seconds.items():
        print(f"| {name} | {value:.3g} | {value / seconds[base]:.3g} |")
    print(f"\nTarget: {target}. {machine()}.")


def machine() -> str:
    """Processor, cores, and versions of Keras and its backend."""
    import keras

    backend = keras.backend.backend()
    version = __import__(backend).__version__
    return f"{_processor()}, {os.cpu_count()} cores, Keras {keras.__version__} on {backend} {version}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
