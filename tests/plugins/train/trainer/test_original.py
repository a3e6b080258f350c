"""The original trainer is the base class and nothing more."""

from plugins.train.trainer._base import TrainerBase
from plugins.train.trainer.original import Trainer


def test_all_of_it_lies_in_the_base() -> None:
    assert Trainer.__bases__ == (TrainerBase,)
    assert not [name for name in vars(Trainer) if not name.startswith("__")]
