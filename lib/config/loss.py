"""The options of the loss: what training takes pains over."""

from dataclasses import dataclass

from lib.config.options import Options, option

FUNCTIONS = (
    "ssim",
    "ms_ssim",
    "mae",
    "mse",
    "logcosh",
    "smooth_loss",
    "l_inf_norm",
    "gmsd",
    "pixel_gradient_diff",
    "laploss",
    "ffl",
    "flip",
)
"""Names of the loss functions; `lib.model.losses` has them."""


def _another(which: str) -> str | None:
    return option(
        None,
        f"A {which} function, added to the others: 'ssim' with 'mae', say, is sharp and true in "
        "colour. The same may stand twice. 'none' adds none.",
        choices=FUNCTIONS,
    )


def _weight(function: str) -> int:
    return option(
        100,
        f"Weight of {function}, in per cent; loss_function itself has 100. Raise it to give "
        "this function more say beside the others. They differ in size: 'smooth_loss' is about 255 "
        "times 'mae', and 'pixel_gradient_diff' larger still.",
        minimum=1,
        maximum=400,
        changeable=True,
    )


@dataclass(frozen=True, kw_only=True)
class LossOptions(Options):
    """How the error of a predicted face is measured.

    The loss is the number that training makes smaller, so these options decide what the model
    takes pains over.
    """

    loss_function: str = option(
        "ssim",
        "How a prediction is compared with the true face. 'ssim' compares local structure, as the "
        "eye does: sharp, but colours drift unless l2_reg_term holds them; 'ms_ssim' does so at "
        "several sizes. 'mae', the mean absolute difference: steady, exact in colour, softer. "
        "'mse', the mean squared difference: heeds large errors most, and is the softest. "
        "'logcosh' is mse for small errors and mae for large ones. 'smooth_loss', a general robust "
        "loss, is mae with a rounded tip. 'l_inf_norm' heeds the largest error of a face alone: "
        "for use beside another. 'gmsd' compares edges; 'pixel_gradient_diff' first and second "
        "differences between pixels: both keep detail, and need another for colour. 'laploss' "
        "compares a pyramid of ever coarser detail. 'ffl' compares frequencies, the hard ones "
        "most. 'flip' rates a difference as an observer would who flips between two pictures.",
        choices=FUNCTIONS,
    )
    loss_function_2: str | None = _another("second")
    loss_weight_2: int = _weight("loss_function_2")
    loss_function_3: str | None = _another("third")
    loss_weight_3: int = _weight("loss_function_3")
    loss_function_4: str | None = _another("fourth")
    loss_weight_4: int = _weight("loss_function_4")
    mask_loss_function: str = option(
        "mse",
        "How a predicted mask is compared with the true one, where learn_mask is on. 'mse' heeds "
        "large errors most and gives smooth edges; 'mae' weighs all errors alike.",
        choices=("mse", "mae"),
    )
    l2_reg_term: int = option(
        100,
        "How much mean squared error is added to 'ssim', 'ms_ssim' or 'gmsd' as loss_function, in "
        "per cent; others do not use it. It keeps colours and brightness true. Raise it where "
        "colours drift; lower it for crisper texture; 0 adds none. 50 to 100 is usual.",
        minimum=0,
        maximum=400,
    )
    eye_multiplier: int = option(
        3,
        "Weight of the error in the eyes, which is counted once more on top of the whole face's. "
        "Raise it where the gaze is wrong or the eyes are blurred, at the cost of the rest; 1 is "
        "the least. 1 to 5 is usual.",
        minimum=1,
        maximum=40,
        changeable=True,
    )
    mouth_multiplier: int = option(
        2,
        "Weight of the error in the mouth, which is counted once more on top of the whole face's. "
        "Raise it where lips or teeth are blurred, at the cost of the rest; 1 is the least. 1 to 5 "
        "is usual.",
        minimum=1,
        maximum=40,
        changeable=True,
    )
    penalized_mask_loss: bool = option(
        True,
        "Measure the error inside the face's mask alone, so that the model spends itself on the "
        "face and not on the background. It needs a mask_type.",
    )
    mask_type: str | None = option(
        "extended",
        "The mask that says which pixels are face. 'components': drawn through the landmarks, up "
        "to the eyebrows. 'extended': the same, reaching further up the forehead. Another name: "
        "the mask of that name that is stored in the faces; all must have it. 'none': no mask; "
        "penalized_mask_loss and learn_mask must then be off.",
    )
    mask_dilation: float = option(
        0.0,
        "Grow the mask (above 0) or shrink it (below), by this many per cent of its edge. Grow it "
        "where the seam shows in cheeks or chin, shrink it where background gets in.",
        minimum=-5,
        maximum=5,
    )
    mask_blur_kernel: int = option(
        3,
        "How far the mask's edge is blurred, in pixels of a mask 128 pixels wide (it is scaled to "
        "other sizes). Raise it for a softer seam between face and background; 0 leaves the edge "
        "hard.",
        minimum=0,
        maximum=9,
    )
    mask_threshold: int = option(
        4,
        "Cleans the mask: what is within this many per cent of black becomes black, and of white "
        "becomes white. Raise it for a firmer mask with a narrower edge; 0 leaves the mask as it "
        "is.",
        minimum=0,
        maximum=50,
    )
    learn_mask: bool = option(
        False,
        "Teach the model to draw the mask of the faces that it makes, for use when swapping. It "
        "needs a mask_type, makes the model larger and each step slower.",
    )
