"""How much would a wider network gain?  Networks of several widths, each trained in a process of its own."""

import fm_keras
from fm_keras.scaling import fit_laws
from fm_keras.settings import DataSettings, SweepSettings, TrainSettings

rows = fm_keras.sweep(
    DataSettings(dataset="digits", limit=600),
    to="sweeps/digits-lenet",  # rows are kept: the same call again trains only what is missing
    settings=SweepSettings(models=("lenet",), widths=(1, 2, 4)),
    train=TrainSettings(epochs=4),
)
print(rows[["trial", "macs", "parameters", "error"]])

for law in fit_laws(rows):
    if law.fit is None:
        print(f"{law.series}: {law.why_not}")
    else:
        expected = law.fit.predict(16)
        print(f"{law.series}: error = {law.fit.sentence()}")
        print(f"Width 16 is expected at {expected.value[0]:.3f} ({expected.low[0]:.3f} to {expected.high[0]:.3f}).")
