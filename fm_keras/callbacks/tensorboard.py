"""Pictures of chosen filters for TensorBoard."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import keras

from fm_keras.callbacks.filter_quality import FilterQuality
from fm_keras.errors import InvalidInput

if TYPE_CHECKING:
    import tensorflow as tf

_ORDER = "FilterMatrices draws what FilterQuality measures: put that one before it in callbacks."


@keras.saving.register_keras_serializable(package="fm_keras")
class FilterMatrices(keras.callbacks.Callback):
    """Writes the matrices of chosen filters as TensorBoard images, whenever `FilterQuality` has measured them.

    TensorFlow writes them, under any backend; the package tensorboard is needed to look at them, and by Keras' own
    TensorBoard callback (TensorFlow 2.21 no longer brings it), but not here.  matplotlib draws them.

    Args:
        log_dir: TensorBoard's folder; pictures go into `filters` inside it.
        quality: what measures; it stands before this one in the list of callbacks.
        filters: by path of the layer, numbers of the filters to draw.

    Raises:
        InvalidInput: TensorFlow or matplotlib are not installed; when training begins, a layer or filter that is not
            measured, or `quality` does not stand before.
    """

    def __init__(self, log_dir: str | Path, quality: FilterQuality, filters: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        missing = [name for name in ("tensorflow", "matplotlib") if find_spec(name) is None]
        if missing:
            raise InvalidInput(f"FilterMatrices needs {' and '.join(missing)}: pip install {' '.join(missing)}.")
        self.log_dir, self.quality = Path(log_dir), quality
        self.filters = {layer: list(numbers) for layer, numbers in filters.items()}
        self._writer: tf.summary.SummaryWriter | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check the filters, and open the file that TensorBoard reads."""
        import tensorflow as tf

        self._check_filters()
        self._writer = tf.summary.create_file_writer(str(self.log_dir / "filters"))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the filters if they were measured in this epoch."""
        from fm_keras.reports.plots import filter_matrix

        if self.quality.measured_epoch is None:
            raise InvalidInput(_ORDER)
        if self.quality.measured_epoch != epoch or self.quality.analysis is None:
            return
        for layer, numbers in self.filters.items():
            for number in numbers:
                picture = filter_matrix(self.quality.analysis, layer, number)
                self._write(f"{layer}/filter {number}", picture._repr_png_(), epoch)
        self._writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the file."""
        self._writer.close()

    def _check_filters(self) -> None:
        if not self.quality.units:
            raise InvalidInput(_ORDER)
        for layer, numbers in self.filters.items():
            if layer not in self.quality.units:
                raise InvalidInput(f"No layer {layer!r} is measured. There are: {', '.join(self.quality.units)}.")
            for number in numbers:
                if not 0 <= number < (units := self.quality.units[layer]):
                    raise InvalidInput(f"{layer} has filters 0 to {units - 1}; there is no {number}.")

    def _write(self, tag: str, png: bytes, epoch: int) -> None:
        """Write a picture as TensorBoard's plugin of images reads it; tf.summary.image would need that package."""
        import tensorflow as tf

        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images")
        width, height = struct.unpack(">II", png[16:24])
        with self._writer.as_default(step=epoch), tf.summary.record_if(True):
            content = tf.constant([str(width), str(height), png])
            tf.summary.write(tag, content, metadata=tf.compat.v1.SummaryMetadata(plugin_data=plugin))

    def get_config(self) -> dict[str, Any]:
        """The arguments but the callback that measures."""
        return {"log_dir": str(self.log_dir), "filters": self.filters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], quality: FilterQuality) -> Self:
        """The callback that `get_config` describes, for what measures."""
        return cls(quality=quality, **config)
