"""Watches over a run by faces held out of it: scores, logs, plateaus."""

import logging
from typing import Any

from lib.errors import FaceswapError
from lib.evaluation.held_out import Evaluation, HeldOut, digest
from lib.evaluation.plateau import Plateau
from lib.live.events import EventLog
from lib.logs.losses import LossLog
from lib.model.predictor import Predictor
from plugins.train.trainer._faces import Faces

logger = logging.getLogger(__name__)


class Watch:
    """Tests a model on faces held out, and tells what comes of it.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    predictor
        The model at work.
    faces
        With some held out.
    log, events
        Where scores are logged.
    """

    def __init__(
        self, model: Any, predictor: Predictor, faces: Faces, log: LossLog, events: EventLog
    ) -> None:
        self._model = model
        self._digest = digest([held_out.paths for held_out in faces.held_out.values()])
        self._log = log
        self._events = events
        self._held_out = HeldOut(
            model.model,
            predictor,
            faces.scored,
            faces.held_out,
            rgb=model.color_order == "rgb",
            batch_size=model.config["convert_batchsize"],
        )
        self._plateau = Plateau(getattr(model.command_line_arguments, "plateau", 0))

    def evaluate(self) -> bool:
        """Test the model, and tell; a test that fails is told of, and ends no run.

        Returns
        -------
        bool
            Whether it has come to a plateau.
        """
        try:
            found = self._held_out.evaluate()
        except FaceswapError as error:
            logger.warning("No held-out score: %s: training goes on", error)
            return False
        return self._tell(found, self._model.iterations)

    def _tell(self, found: Evaluation, iteration: int) -> bool:
        values = {"psnr": found.score.psnr, "ssim": found.score.ssim}
        values |= {f"loss_{side}": loss for side, loss in found.losses.items()}
        logger.info("Held out at iteration %s: %s", f"{iteration:,}", found)
        self._log.add_scalars(iteration, {f"held_out/{name}": x for name, x in values.items()})
        self._events.add("held_out", iteration, **values)
        stuck = self._plateau.add(iteration, found.score)
        if stuck:
            logger.warning("%s", stuck)
            self._events.add("plateau", iteration, text=stuck)
        return stuck is not None

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on from here, as JSON can hold it."""
        return {"faces": self._digest, "plateau": self._plateau.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`, if it is of the same faces; {} stands for a run without any."""
        if state.get("faces") == self._digest:
            self._plateau.restore(state["plateau"])
        else:
            logger.warning(
                "The faces held out are not those of the last run: the model may have been trained "
                "on some, and their scores can't be compared with earlier ones"
            )
