"""Installs the package fm_keras and the command fm-keras."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "fm_keras" / "__init__.py").read_text("utf-8"), re.M).group(1)

# .ci/run installs all but TensorFlow for the JAX step, and the lowest of these versions for the step "oldest".
REQUIRES = [
    "click>=8.1.7",
    "filelock>=3.16.0",
    "importlib_resources>=6.4.0",  # tensorflow-datasets 4.9.10 imports it and does not declare it
    "keras>=3.10.0",
    "networkx>=3.3",
    "numpy>=2.1.0",
    "pandas>=2.2.3",
    "pillow>=10.4.0",
    "pydantic>=2.9.0",
    "rich>=13.7.0",
    "scikit-learn>=1.5.2",
    "scipy>=1.14.0",
    "tensorflow>=2.19.0",
    "tensorflow-datasets>=4.9.8",
]
EXTRAS = {
    "jax": ["jax>=0.6.0"],
    "ray": ["ray>=2.44.0"],
    "report": ["jinja2>=3.1.4", "matplotlib>=3.10.8"],
    "serve": [
        "fastapi>=0.115.0",
        "orjson>=3.10.7",
        "prometheus_client>=0.21.0",
        "pysimdjson>=6.0.2",
        "tensorflow-serving-api>=2.19.0",
        "uvicorn>=0.31.0",
    ],
}
EXTRAS["all"] = [*EXTRAS["jax"], *EXTRAS["ray"], *EXTRAS["report"], *EXTRAS["serve"]]
TOOLS = ["hypothesis>=6.100", "pytest>=8.2", "pytest-xdist>=3.6", "ruff>=0.9", "selenium>=4.25"]
EXTRAS["test"] = [*EXTRAS["ray"], *EXTRAS["report"], *EXTRAS["serve"], *TOOLS]

setup(
    name="fm-keras",
    version=VERSION,
    description="Train a classifier, cut it at any layer, and read what every single filter says about the labels.",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="The fm_keras authors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.13",
    packages=[*find_packages(include=["fm_keras", "fm_keras.*"]), "fm_keras_cli"],
    package_dir={"fm_keras_cli": "cli"},
    package_data={"fm_keras": ["py.typed", "reports/templates/*"]},
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["fm-keras = fm_keras_cli.main:main"]},
)
