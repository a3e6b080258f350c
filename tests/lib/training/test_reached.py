"""Weights that the outputs depend on, against what a backward pass leaves."""

import keras
import numpy as np
import torch

from lib.training.graph import JoinedGraph
from lib.training.reached import reached_weights


class Idle(keras.layers.Layer):
    """Has a weight that it makes no use of."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.idle = self.add_weight(shape=(3,), name="idle")

    def call(self, x: torch.Tensor) -> torch.Tensor:
        return x


def make_model() -> keras.Model:
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, padding="same"),
            Idle(),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=1),
        ]
    )
    feature = keras.Input((8, 8, 4))
    face, mask = (keras.layers.Conv2D(n, 1, name=f"out_{n}") for n in (3, 1))
    decoder = keras.Model(feature, [face(feature), mask(feature)])
    return keras.Model(inputs, [decoder(encoder(x))[0] for x in inputs])


def test_they_are_those_that_a_backward_pass_gives_gradients() -> None:
    model = make_model()
    graph, weights = JoinedGraph(model), model.trainable_variables
    found = {weight.path for weight in reached_weights(graph, model, weights)}
    torch.stack([face.sum() for face in graph([torch.rand(2, 8, 8, 3)] * 2)]).sum().backward()
    assert found == {weight.path for weight in weights if weight.value.grad is not None}
    assert {weight.path.split("/")[-1] for weight in weights if weight.path not in found} >= {
        "idle"
    }


def test_looking_leaves_no_trace() -> None:
    model = make_model()
    before = [variable.value.clone() for variable in model.non_trainable_variables]
    state = torch.get_rng_state()
    reached_weights(JoinedGraph(model), model, model.trainable_variables)
    assert torch.equal(state, torch.get_rng_state())
    assert len(before) == 3, "two moving statistics and the dropout's generator"
    for old, variable in zip(before, model.non_trainable_variables, strict=True):
        assert torch.equal(old, variable.value)


def test_looking_leaves_no_trace_in_weights_that_layers_assign() -> None:
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    layers = [keras.layers.SpectralNormalization(keras.layers.Conv2D(2, 3)) for _ in inputs]
    model = keras.Model(inputs, [layer(x) for layer, x in zip(layers, inputs, strict=True)])
    before = [variable.numpy().copy() for variable in model.variables]
    graph = JoinedGraph(model)
    reached_weights(graph, model, model.trainable_variables)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old, err_msg=variable.path)
    graph([torch.rand(1, 8, 8, 3)] * 2)
    assert not np.array_equal(model.trainable_variables[0].numpy(), before[0]), "it does assign"
