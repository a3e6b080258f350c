"""``faceswap train --find-learning-rate``."""

import logging
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from lib.training.finder import write_search

logger = logging.getLogger(__name__)


def find_learning_rate(model: Any, trainer: Any) -> None:
    """Draw and name a learning rate; nothing of the model is saved.

    Parameters
    ----------
    model
        A new one.
    trainer
        Of that model; closed in the end.

    Raises
    ------
    FaceswapError
        The model has been trained, or no rate made the loss fall.
    """
    if model.iterations:
        trainer.close()
        raise FaceswapError(
            f"--find-learning-rate needs a new model, and '{model.model_dir}' holds one of "
            f"{model.iterations:,} iterations: name another folder with -m"
        )
    try:
        search = trainer.find_learning_rate()
    finally:
        trainer.close()
    path = Path(model.model_dir) / f"{model.name}_learning_rate.png"
    write_search(path, search)
    logger.info("Losses over learning rates: %s", path)
    logger.info(
        "Suggested: learning_rate = %.1e (now %.1e); set it in train.ini",
        search.suggestion,
        model.config["learning_rate"],
    )
