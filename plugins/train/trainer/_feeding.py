"""Feeds a model: batches as its options and the command line ask for them."""

from collections.abc import Mapping
from typing import Any

from lib.data.augment import Augmentation
from lib.data.batches import Batches
from lib.data.faceset import FaceSet
from lib.data.landmark_warp import relative_landmarks
from lib.data.plan import Planner
from lib.device import is_cuda
from lib.training.augment import DeviceBatches
from lib.training.distributed import World
from lib.training.feed import Feed
from lib.training.order import START, Origin
from lib.training.room import Room

RANGES = (
    "zoom_amount",
    "rotation_range",
    "shift_range",
    "flip_chance",
    "color_lightness",
    "color_ab",
    "color_clahe_chance",
    "color_clahe_max_size",
)
"""Options that say how far faces are changed."""


def make_feed(
    model: Any,
    faces: Mapping[str, FaceSet],
    options: Mapping[str, Any],
    batch_size: int,
    world: World,
    *,
    room: Room,
    origin: Origin = START,
) -> Feed:
    """Make the feed of a run, from the iteration on that the model is at.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built, and the iteration that is to be fed has been counted.
    faces
        Faces of each side.
    options
        The trainer's options by name, and the seed.
    batch_size
        Faces of each side in a batch.
    world
        The processes that train together.
    room
        For how many faces a device changes at a time; one for all feeds of a run.
    origin
        Where the run goes on in the row of all batches.
    """

    def batches(side: str) -> Batches | DeviceBatches:
        planner = _planner(model, faces, options, batch_size, side)
        return DeviceBatches(planner, room) if is_cuda() else Batches(planner)

    return Feed(
        batches,
        {side: faces[side].paths for side in "ab"},
        iteration=max(0, model.iterations - 1),
        per_iteration=model.config["gradient_accumulation"],
        rgb=model.color_order == "rgb",
        world=world,
        origin=origin,
    )


def _planner(
    model: Any,
    faces: Mapping[str, FaceSet],
    options: Mapping[str, Any],
    batch_size: int,
    side: str,
) -> Planner:
    arguments, index = model.command_line_arguments, "ab".index(side)
    augmentation = Augmentation(
        **{name: options[name] for name in RANGES},
        flip=not getattr(arguments, "no_flip", False),
        colour=not getattr(arguments, "no_augment_color", False),
        warp=not getattr(arguments, "no_warp", False),
    )
    other = "ba"[index]
    return Planner(
        faces[side],
        input_size=model.model.inputs[index].shape[1],
        target_sizes=[shape[0] for shape in model.output_shapes[index]],
        coverage=model.coverage_ratio,
        augmentation=augmentation,
        batch_size=batch_size,
        seed=options["seed"],
        side=side,
        others=relative_landmarks(other, faces[other]) if _warps_to_landmarks(model) else None,
    )


def _warps_to_landmarks(model: Any) -> bool:
    return bool(getattr(model.command_line_arguments, "warp_to_landmarks", False))


def check_landmarks(model: Any, faces: Mapping[str, FaceSet]) -> None:
    """Refuse faces without landmarks, where they are to be warped towards those.

    Raises
    ------
    FaceswapError
    """
    if _warps_to_landmarks(model):
        for side, those in faces.items():
            relative_landmarks(side, those)
