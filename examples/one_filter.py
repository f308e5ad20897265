"""The steps of the main job one by one, down to the matrix of a single filter."""

import keras

from fm_keras.data import load_dataset
from fm_keras.filters import filter_fields, find_clusters, measure_filters, threshold_fields
from fm_keras.models import ModelSpec, build_model
from fm_keras.settings import TrainSettings
from fm_keras.slicing import class_means, cut_points, fit_probes
from fm_keras.training import train_model

digits = load_dataset("digits")
keras.utils.set_random_seed(0)
model = build_model(ModelSpec(name="lenet5", image_shape=digits.image_shape, labels=digits.labels))
train_model(model, digits, settings=TrainSettings(epochs=6))

print([cut.layer for cut in cut_points(model)])
probe = fit_probes(model, digits, layers=["conv2"])["conv2"]
means = class_means(model, digits, layers=["conv2"])["conv2"]

fields = filter_fields(means, probe.kernel)  # (U, K, K) logits: [filter, label of the input, output]
above = threshold_fields(fields, 0.3)
clusters = find_clusters(above)
print(f"The probe of conv2 reads {probe.test_accuracy:.1%} of the test images right.")
print(measure_filters(above, clusters, fields))
print(above[0].astype(int))
