"""The joined forward pass gives what Keras gives, and shares what may be shared."""

import keras
import torch

from lib.training.graph import JoinedGraph


def counted(layer: keras.Layer) -> list[int]:
    """Batch sizes that the layer is called with from now on."""
    sizes: list[int] = []
    inner = layer.call

    def call(x, *args, **kwargs):
        sizes.append(x.shape[0])
        return inner(x, *args, **kwargs)

    layer.call = call
    return sizes


def shared_model(shape_b=(6, 6, 3), extra=()) -> tuple[keras.Model, keras.Layer]:
    """Shared encoder (a model), own decoders of two outputs each."""
    code = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(code)
    for layer in extra:
        x = layer(x)
    encoder = keras.Model(code, x, name="encoder")
    inputs = [keras.Input((6, 6, 3)), keras.Input(shape_b)]
    outputs = []
    for side, input_ in zip("ab", inputs, strict=True):
        x = encoder(input_)
        outputs += [
            keras.layers.Conv2D(3, 1, name=f"face_{side}")(x),
            keras.layers.Conv2D(1, 1, name=f"mask_{side}")(x),
        ]
    return keras.Model(inputs, outputs), encoder


def batches(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(shape, generator=generator) for shape in shapes]


def check_equal(model: keras.Model, inputs: list[torch.Tensor]) -> None:
    ours = JoinedGraph(model)(inputs)
    theirs = model(inputs, training=True)
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x, y)


def test_the_shared_encoder_runs_once_over_both_batches() -> None:
    model, encoder = shared_model()
    inputs = batches((2, 6, 6, 3), (3, 6, 6, 3))
    check_equal(model, inputs)
    sizes = counted(encoder)
    JoinedGraph(model)(inputs)
    assert sizes == [5]


def test_sides_of_different_size_run_side_by_side() -> None:
    model, encoder = shared_model(shape_b=(8, 8, 3))
    inputs = batches((2, 6, 6, 3), (2, 8, 8, 3))
    check_equal(model, inputs)
    sizes = counted(encoder)
    JoinedGraph(model)(inputs)
    assert sizes == [2, 2]


def test_batch_normalisation_sees_each_side_by_itself() -> None:
    model, encoder = shared_model(extra=[keras.layers.BatchNormalization()])
    inputs = batches((2, 6, 6, 3), (2, 6, 6, 3))
    check_equal(model, inputs)
    sizes = counted(encoder)
    JoinedGraph(model)(inputs)
    assert sizes == [2, 2]


def test_layers_run_in_training_mode() -> None:
    model, _ = shared_model(extra=[keras.layers.Dropout(0.9, seed=0)])
    codes = JoinedGraph(model)(batches((4, 6, 6, 3), (4, 6, 6, 3)))
    evaluated = model(batches((4, 6, 6, 3), (4, 6, 6, 3)), training=False)
    assert not torch.allclose(codes[0], evaluated[0])


def test_layers_that_join_sides_and_operations_work() -> None:
    a, b = keras.Input((4,)), keras.Input((4,))
    dense = keras.layers.Dense(4)
    x, y = dense(a), dense(dense(b))
    model = keras.Model([a, b], [keras.layers.Add()([x, y]), keras.ops.tanh(y) * 2 + x])
    check_equal(model, batches((3, 4), (3, 4)))


def test_gradients_are_those_of_keras() -> None:
    model, _ = shared_model()
    inputs = batches((2, 6, 6, 3), (3, 6, 6, 3))
    gradients = []
    for forward in (JoinedGraph(model), lambda x: model(x, training=True)):
        loss = sum(output.square().mean() for output in forward(inputs))
        parameters = [weight.value for weight in model.trainable_variables]
        gradients.append(torch.autograd.grad(loss, parameters))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
