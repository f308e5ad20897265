"""What is each filter worth to the network, was that right, and which half of a layer can go?"""

import keras
from sklearn.datasets import load_digits

import fm_keras
from fm_keras.data import as_dataset
from fm_keras.filters import choose_units, rank_correlation
from fm_keras.slicing import GatedModel, contributions_without, silence_cost, silence_effects

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
dataset = as_dataset(images.reshape(-1, 8, 8, 1), labels)
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu", name="first"),
        keras.layers.Conv2D(32, 3, activation="relu", name="second"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
)
network.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
network.fit(dataset.train.images, dataset.train.labels, epochs=10, verbose=0)

# One forward and ten backward passes, for all layers at once; nothing is trained.
analysis = fm_keras.analyze(network, dataset, fields="network")
print(analysis.layers()[["layer", "units", "quality", "quality_below_zero", "quality_around_zero"]])
print(analysis.filters().sort_values("quality", ascending=False)[["layer", "filter", "labels", "quality"]].head())

# Silence every filter of a layer for real, on the same images.
cost = silence_cost(network, dataset, "first")
print("Spearman with the true cost:", rank_correlation(analysis["first"].table["quality"].to_numpy(), cost))

# Single qualities do not add up: half a layer is chosen unit by unit.
without = contributions_without(GatedModel(network, layers=["first"]), dataset.train)
removed = choose_units(without, dataset.train.labels, count=8)
worst = analysis["first"].table.sort_values("quality")["filter"].to_numpy()[:8]
print(
    "Accuracy without", removed, silence_effects(network, dataset.test, "first", [removed, worst])["accuracy"].tolist()
)
