"""A light client of served models, over REST: NumPy and nothing else at run time.

client.py      one call for each signature of an export, by the names of layers and labels (named.py)
remote.py      any SavedModel as the REST interface knows it
connection.py  one HTTP connection, kept open      json_arrays.py, image_files.py  what goes out
answers.py     what comes back
"""

from fm_keras.serving.client.client import Client

__all__ = ["Client"]
