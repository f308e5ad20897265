"""A measured network as a SavedModel.

saved_model.py   export: written beside, checked, renamed (version_folder.py), with export_record.py beside it
signatures.py    what can be asked: predictions.py of images (body.py, pictures.py), queries.py of filters (ranking.py)
tables.py        what is known of every filter, in variables
check.py         requests.py answered by the export as by Python (python_answers.py)
warmup.py        the requests that a server replays first
configs.py       models.config
"""

from fm_keras.serving.saved.configs import add_to_models_config
from fm_keras.serving.saved.export_record import ExportRecord, read_record
from fm_keras.serving.saved.saved_model import export

__all__ = ["ExportRecord", "add_to_models_config", "export", "read_record"]
