"""Models as Keras saves them, with what Keras says of some examples: folder, names (all where none is given)."""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402


def image():
    return keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            L.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
            L.GroupNormalization(2),
            L.MaxPooling2D(),
            L.DepthwiseConv2D(2, depth_multiplier=2, activation="gelu"),
            L.SeparableConv2D(5, 2, depth_multiplier=2, padding="same", strides=2),
            L.SpatialDropout2D(0.1),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ]
    )


def branches():
    picture = keras.Input((8, 6))
    grey = L.Reshape((8, 6, 1))(picture)
    padded = L.ReLU(max_value=6)(L.ZeroPadding2D(((1, 0), (2, 1)))(grey))
    wide = L.Conv2D(4, (2, 3), dilation_rate=2, padding="same")(padded)
    small = L.AveragePooling2D(2, padding="same")(L.ELU()(wide))
    mean, peak = L.GlobalAveragePooling2D()(small), L.GlobalMaxPooling2D()(small)
    return keras.Model(picture, L.Activation("softmax")(L.Dense(3)(L.Add()([mean, peak]))))


def graph():
    row = keras.Input((7,), name="row")
    wide = L.Dense(6, activation="selu", name="first layer")(row)
    deep = L.Dense(6, use_bias=False)(L.Identity()(wide))
    both = L.Concatenate()([L.LayerNormalization()(wide + deep), L.Multiply()([wide, deep])])
    return keras.Model({"row": row}, {"kind": L.Softmax()(L.Dense(3)(L.Dropout(0.2)(both)))})


def series():
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu"),
            L.MaxPooling1D(3, strides=1, padding="same"),
            L.LSTM(5, return_sequences=True),
            L.AveragePooling1D(2),
            L.GRU(4, return_sequences=True),
            L.GRU(4, reset_after=False, return_sequences=True, use_bias=False),
            L.GlobalAveragePooling1D(),
            L.Dense(3, activation="softmax"),
        ]
    )


def text():
    return keras.Sequential(
        [
            keras.Input((10,), dtype="int32"),
            L.Embedding(256, 4),
            L.Conv1D(5, 3, padding="causal", activation="silu"),
            L.LSTM(6, return_sequences=True),
            L.LayerNormalization(),
            L.GRU(5, return_sequences=True),
            L.Dense(256, activation="softmax"),
        ]
    )


models = {build.__name__: build for build in (image, branches, graph, series, text)}
folder, *names = sys.argv[1:]
for name in names or models:
    keras.utils.set_random_seed(7)
    model = models[name]()
    # Biases and gains as well, which all begin alike.
    model.set_weights([np.random.uniform(-0.5, 0.5, each.shape) for each in model.get_weights()])
    model.compile("adam", "categorical_crossentropy")
    shape = model.inputs[0].shape[1:]
    is_text = model.inputs[0].dtype == "int32"
    draw = np.random.randint(0, 256, (1, *shape)) if is_text else np.random.uniform(-1, 1, (5, *shape))
    inputs = draw.astype(model.inputs[0].dtype)
    outputs = model.predict(inputs, verbose=0)
    outputs = outputs["kind"] if isinstance(outputs, dict) else outputs
    model.save(f"{folder}/{name}.keras")
    answers = {"inputs": inputs.ravel().tolist(), "outputs": outputs.ravel().round(7).tolist()}
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"model": json.loads(model.to_json()), **answers}, file)
