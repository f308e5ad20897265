"""An embedded server: any folder of SavedModels, hosted as TensorFlow Serving does where that cannot run.

hosting.py     which models, from which folders          store.py  their versions: polled, loaded, lent, drained
servable.py    one loaded version                        replay.py  its warm-up
inference.py   predict, classify, regress on arrays      statuses.py  what went wrong, in numbers
rest.py        REST: paths (rest_paths.py), bodies (predict_json.py, examples_json.py), values (tensors_json.py,
               numbers_json.py)
grpc_services.py  gRPC: messages.py, tensor_protos.py
metrics.py     what is counted; monitoring.py  where it is shown
server.py      both interfaces over one store, started and stopped together
"""

from fm_keras.serving.server.server import Server

__all__ = ["Server"]
