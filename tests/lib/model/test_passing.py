"""What layers change as they run, told from what is left to the optimizer."""

from typing import Any

import keras
import torch

from lib.model.layers import Conv2D
from lib.model.passing import Passing, passing_variables


class Mine(keras.layers.Layer):
    """A layer that nothing is known of, with one of Keras' within."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3)

    def build(self, shape: tuple[int, ...]) -> None:
        self.inner.build(shape)

    def call(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


def make_model() -> keras.Model:
    code = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="norm")(Conv2D(4, 3, name="known")(code))
    x = keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3), name="spectral")(x)
    encoder = keras.Model(code, Mine(name="mine")(x), name="encoder")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Dropout(0.5, seed=1, name="dropout")(encoder(inputs))
    still = keras.layers.Dense(2, trainable=False, name="still")
    return keras.Model(inputs, keras.layers.Dense(1, name="last")(still(x)))


def test_all_but_what_known_layers_leave_to_the_optimizer_is_passing() -> None:
    model = make_model()
    encoder = model.get_layer("encoder")
    norm = encoder.get_layer("norm")
    left = [
        *encoder.get_layer("known").variables,
        norm.gamma,
        norm.beta,
        *model.get_layer("last").variables,
    ]
    found = {id(variable) for variable in passing_variables(model)}
    assert found == {id(one) for one in model.variables} - {id(one) for one in left}
    assert len(found) == len(passing_variables(model)), "each once"


def test_a_value_whose_memory_is_replaced_is_put_back_all_the_same() -> None:
    model = make_model()
    passing, value = Passing(model), model.get_layer("still").kernel.value
    value.data = value.data.clone()
    before = value.detach().clone()
    passing.remember()
    value.data.fill_(7)
    passing.put_back_unless(torch.tensor(True))
    assert (value == 7).all()
    passing.put_back_unless(torch.tensor(False))
    assert torch.equal(value, before)
    value.data.fill_(7)
    passing.put_back()
    assert torch.equal(value, before)
