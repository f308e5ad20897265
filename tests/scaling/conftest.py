import numpy as np
import pytest

WIDTHS = np.array([6, 12, 24, 48, 96, 192, 384], float)


@pytest.fixture
def curve(rng):
    """Widths and errors of several seeds around a law."""

    def draw(law, noise=0.02, seeds=3, widths=WIDTHS):
        widths = np.repeat(widths, seeds)
        return widths, law(widths) * np.exp(noise * rng.standard_normal(len(widths)))

    return draw
