"""What every model plugin builds on."""

from plugins.train.model._base.keras_model import KerasModel
from plugins.train.model._base.model import ModelBase
from plugins.train.model._base.state import State

__all__ = ["KerasModel", "ModelBase", "State"]
