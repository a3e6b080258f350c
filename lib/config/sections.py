"""The sections of train.ini and convert.ini that belong to no single plugin."""

from lib.config.convert import MaskOptions
from lib.config.loss import LossOptions
from lib.config.optimizer import OptimizerOptions
from lib.config.options import Options
from lib.config.train import GlobalOptions, TrainerOptions

MODEL: dict[str, type[Options]] = {
    "global": GlobalOptions,
    "global.optimizer": OptimizerOptions,
    "global.loss": LossOptions,
}
"""Options of every model; a model's own section comes behind them and takes precedence."""

ALL = MODEL | {"trainer.original": TrainerOptions}

CONVERT: dict[str, type[Options]] = {"mask": MaskOptions}
"""The options of convert that belong to no single plugin."""
