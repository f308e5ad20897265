"""How noise and SNR of a layer move with the images: a bootstrap over folds of images, from the fields of the folds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fm_keras.errors import InvalidInput
from fm_keras.filters import find_clusters, measure_noise, signal_to_noise, threshold_fields
from fm_keras.filters.clusters import ClusterMethod

_BLOCK_BYTES = 64e6


def draw_folds(labels: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Split the images of each label at random into folds of equal size, give or take one image.

    Args:
        labels: (N,) of the images.
        folds: how many of each label.
        rng: draws them.

    Returns:
        (N,) fold of each image, from 0.

    Raises:
        InvalidInput: fewer than two folds, or a label of fewer images than folds.
    """
    labels = np.asarray(labels)
    rarest, least = min(zip(*np.unique(labels, return_counts=True)), key=lambda pair: pair[1])
    if not 2 <= folds <= least:
        raise InvalidInput(
            f"folds is {folds}; it must be at least 2 and at most {least}, the images of label {rarest}."
        )
    fold = np.empty(len(labels), int)
    for label in np.unique(labels):
        (images,) = np.nonzero(labels == label)
        fold[rng.permutation(images)] = np.arange(len(images)) % folds
    return fold


def draw_weights(sizes: np.ndarray, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of the folds in each round of a bootstrap, drawn for every label apart.

    Of B folds B - 1 are drawn with replacement: then the mean varies as much as the mean over other images would,
    and not less by the factor (B - 1) / B.

    Args:
        sizes: (K, B) images in each fold.
        rounds: how many draws.
        rng: draws them.

    Returns:
        (rounds, K, B), for each round and label adding up to 1.

    Source: the rescaled bootstrap, doi:10.1080/01621459.1988.10478591.
    """
    labels, folds = sizes.shape
    drawn = rng.multinomial(folds - 1, np.full(folds, 1 / folds), size=(rounds, labels)) * sizes
    return drawn / drawn.sum(axis=-1, keepdims=True)


def resampled_noise(
    fold_fields: Iterable[np.ndarray], weights: np.ndarray, *, threshold: float, method: ClusterMethod = "greedy"
) -> tuple[np.ndarray, np.ndarray]:
    """SNR and noise of a layer for each set of weights of the folds.

    Args:
        fold_fields: blocks (units, K, B, K) that make up the layer: fields over the images of each fold,
            [unit, label of the input, fold, output].
        weights: (rounds, K, B) weights of the folds of each label.
        threshold: share of a unit's largest field.
        method: how clusters are found.

    Returns:
        SNR and mean external noise of a unit, (rounds,) each, as in `fm_keras.filters.layer_statistics`.
    """
    rounds, labels, _ = weights.shape
    signal, internal, external = np.zeros((3, rounds))
    units = 0
    for block in fold_fields:
        units += len(block)
        size = max(1, int(_BLOCK_BYTES / (4 * len(block) * labels**2)))
        for first in range(0, rounds, size):
            some = slice(first, first + size)
            fields = np.einsum("rib,uibj->ruij", weights[some].astype(block.dtype), block, optimize=True)
            above = threshold_fields(fields.reshape(-1, labels, labels), threshold)
            noise = measure_noise(above, find_clusters(above, method))
            for total, column in ((signal, "signal"), (internal, "internal_noise"), (external, "external_noise")):
                total[some] += noise[column].to_numpy().reshape(-1, len(block)).sum(axis=1)
    return signal_to_noise(signal, internal + external, labels), external / units


def interval(estimate: float, resampled: np.ndarray, level: float) -> tuple[float, float]:
    """Where an estimate would lie for other images: within so many standard deviations of the rounds.

    Args:
        estimate: over all images; 0 or more.
        resampled: (rounds,) the same for each round.
        level: share of the estimates within the interval if they are normally distributed.

    Returns:
        Lower and upper end, the lower one at least 0.  Where a round is infinite: quantiles of the rounds.

    Source: the standard interval of the bootstrap, doi:10.1214/ss/1177013815.
    """
    from scipy.stats import norm

    if not np.isfinite(resampled).all():
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], method="nearest")
        return float(low), float(high)
    reach = norm.ppf((1 + level) / 2) * resampled.std(ddof=1)
    return float(max(0, estimate - reach)), float(estimate + reach)
