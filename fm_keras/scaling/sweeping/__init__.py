"""Sweeps: one process per trial, a row whenever one has ended, on this machine or on many.

job.py      sweep                                     plan.py     what it would train, and what that costs
trials.py   from axes to trials                       task.py     one trial, done: all that a worker computes
worker.py   the process of a trial                    process.py  the same as its parent sees it
engines.py  the interface; local.py processes with cores and GPUs, cluster.py Ray
folder.py   the tables on disk                        imports.py  rows that were made elsewhere
joining.py  which trials of the sweep they are        events.py   how a sweep says where it stands
builders.py a user's function, by name

Planning a sweep builds networks; else neither Keras nor TensorFlow is imported outside the workers.
"""

from fm_keras.scaling.sweeping.events import SweepEvent, SweepProgress
from fm_keras.scaling.sweeping.folder import read_sweep, read_table
from fm_keras.scaling.sweeping.imports import import_rows
from fm_keras.scaling.sweeping.job import sweep
from fm_keras.scaling.sweeping.plan import plan_sweep

__all__ = ["SweepEvent", "SweepProgress", "import_rows", "plan_sweep", "read_sweep", "read_table", "sweep"]
