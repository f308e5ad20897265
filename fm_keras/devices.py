"""What the machine computes fast: the choice of arithmetic and of XLA."""

from __future__ import annotations

import platform
from pathlib import Path

import keras

from fm_keras.errors import InvalidInput

_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def check_backend() -> None:
    """Refuse the backends that fm_keras does not run on.

    Raises:
        InvalidInput: Keras runs on PyTorch or OpenVINO.
    """
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise InvalidInput(f"fm_keras runs on the backends tensorflow and jax; KERAS_BACKEND is {backend!r}.")


def has_gpu() -> bool:
    """Whether Keras' backend sees a GPU."""
    return bool(_gpus())


def choose_precision(setting: str) -> str:
    """Dtype policy for a precision setting.

    `auto` is mixed_bfloat16 on a GPU, and on a CPU with bfloat16 instructions under TensorFlow (measured: 1.1 to 2
    times faster training); XLA on a CPU emulates bfloat16, so under JAX it is float32 there.
    """
    if setting != "auto":
        return setting
    fast = has_gpu() or (keras.backend.backend() == "tensorflow" and bool(_cpu_flags() & _BFLOAT16_FLAGS))
    return "mixed_bfloat16" if fast else "float32"


def choose_xla(setting: str, *, devices: int = 1) -> bool:
    """Whether to compile with XLA.

    `auto` does so on a GPU, and under JAX, which compiles in no other way; TensorFlow on a CPU trains 3 to 4 times
    slower with it, and cannot compile a step that several devices share.

    Raises:
        InvalidInput: `on` under TensorFlow with several devices.
    """
    jax = keras.backend.backend() == "jax"
    if setting == "auto":
        return jax or (has_gpu() and devices == 1)
    if setting == "on" and devices > 1 and not jax:
        raise InvalidInput(f"TensorFlow cannot compile a step for {devices} devices with XLA. Take xla='auto'.")
    return setting == "on"


def describe_device() -> str:
    """The device that computes, in a few words: '1 GPU', 'CPU with bfloat16', 'CPU'."""
    gpus = len(_gpus())
    if gpus:
        return f"{gpus} GPU{'s' if gpus > 1 else ''}"
    return "CPU with bfloat16" if _cpu_flags() & _BFLOAT16_FLAGS else "CPU"


def _gpus() -> list[str]:
    # Asked for "gpu", JAX raises where it was installed for the CPU alone; unasked, Keras lists the best devices.
    return [device for device in keras.distribution.list_devices() if device.startswith("gpu")]


def _cpu_flags() -> set[str]:
    """Instruction sets of the CPU; empty where the system does not list them."""
    info = Path("/proc/cpuinfo")
    if platform.system() != "Linux" or not info.exists():
        return set()
    return {flag for line in info.read_text().splitlines() if line.startswith("flags") for flag in line.split()}
