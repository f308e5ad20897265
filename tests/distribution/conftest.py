import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

# A second strategy crashes a process of TensorFlow, and virtual devices must be there before Keras looks for any.
VIRTUAL = {
    "KERAS_BACKEND": keras.backend.backend(),
    "CUDA_VISIBLE_DEVICES": "",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=3",
    # Virtual devices wait for each other: a small machine must have threads for both, and one step at a time.
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "0",
    "NPROC": "8",
}


@pytest.fixture
def found_by():
    """What one of the programs beside this file prints, run in a process that has three virtual devices."""

    def run(program):
        command = [sys.executable, "-W", "error::UserWarning", Path(__file__).with_name(program)]
        done = subprocess.run(command, env={**os.environ, **VIRTUAL}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
