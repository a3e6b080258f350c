"""A model that is saved while its trainer goes on."""

import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lib.checkpoint import held
from lib.data.files import find_images
from plugins import loader


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_a_save_holds_what_there_was_when_it_began_though_the_trainer_goes_on(
    patience: float, train_arguments: Callable[..., Namespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = train_arguments()
    model = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    trainer = loader.load_trainer("original")(
        model, images, arguments.batch_size, arguments.configfile
    )
    read = held.Held.pieces

    def slowly(values: held.Held, number: int) -> Iterator[Any]:
        time.sleep(0.01)
        yield from read(values, number)

    monkeypatch.setattr(held.Held, "pieces", slowly)
    monkeypatch.setattr(held, "PATIENCE", patience)
    trainer.train_one_step(None, None)
    variables = [*model.model.weights, *model.model.optimizer.variables]
    before = [variable.numpy().copy() for variable in variables]
    model.saves.begin()
    for _ in range(3):
        trainer.train_one_step(None, None)
    trainer.close()
    model.saves.finish()
    assert any(
        not np.array_equal(variable.numpy(), value)
        for variable, value in zip(variables, before, strict=True)
    )
    loaded = model._io.load()
    stored = [*loaded.weights, *loaded.optimizer.variables]
    for variable, value in zip(stored, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)
