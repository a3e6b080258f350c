"""The original trainer: all of it is common to every trainer, and lies in the base class."""

from plugins.train.trainer._base import TrainerBase


class Trainer(TrainerBase):
    """Trains a model on aligned faces of two sides; see `TrainerBase`."""
