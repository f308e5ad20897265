"""Make a network of your own smaller: look at the plan, prune, see what it cost and what it gained."""

import keras
from sklearn.datasets import load_digits

import fm_keras
from fm_keras.data import as_dataset
from fm_keras.pruning import Target, kernel_l1, plan_pruning, plan_table

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
dataset = as_dataset(images.reshape(-1, 8, 8, 1), labels)
network = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 8, offset=-1),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="first"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="second"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
network.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
network.fit(dataset.train.images, dataset.train.labels, epochs=5, verbose=0)

# What would go, and why: nothing is changed yet.
plan = plan_pruning(network, dataset, rule="taylor_squared", target=Target("keep", 0.25))
print(plan_table(network, plan, "taylor_squared").to_string(), "\n")

# Cut, repair without labels, train one more epoch; accuracy on test images after each step.
pruning = fm_keras.prune(network, dataset, plan=plan, epochs=1)
print(pruning.steps.round(3).to_string(), "\n")
print(pruning.savings.to_string(), "\n")
pruning.save("smaller")  # model.keras is an ordinary Keras model that loads without fm_keras


def my_rule(model, analysis, dataset):
    """Any Series over (layer, filter) will do; what is larger stays."""
    return kernel_l1(model)


print(fm_keras.prune(network, dataset, rule=my_rule, macs=0.3, epochs=0))
