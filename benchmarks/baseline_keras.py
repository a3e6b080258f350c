"""Trains as one would with Keras: ``train_on_batch`` on the whole model, and a save at the end."""

import sys

import numpy as np
import torch

from benchmarks.plugin import make_plugin, precision


def main(model_name: str, batch: str, iterations: str, path: str) -> None:
    model = make_plugin(model_name, precision(mixed=False)).model
    rng = np.random.default_rng(0)
    for _ in range(int(iterations)):
        feeds, targets = (
            [
                torch.from_numpy(rng.random((int(batch), *edge, channels), np.float32))
                for edge in [model.inputs[0].shape[1:3]] * 2
            ]
            for channels in (3, 6)
        )
        model.train_on_batch(feeds, targets)
    model.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
