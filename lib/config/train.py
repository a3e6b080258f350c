"""The options of training that belong to no single model plugin."""

from dataclasses import dataclass

from lib.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class GlobalOptions(Options):
    """Options that hold for every model.

    A model's own section may repeat one of them; its value then takes the place of this one.
    """

    centering: str = option(
        "face",
        "What the training picture is centred on. 'face': the middle of the face, whichever way it "
        "is turned; right for most models. 'head': the whole head, for models that swap hair and "
        "ears too; the face itself gets fewer pixels. 'legacy': the eyes, nose and mouth, as in "
        "faces extracted long ago; tight, and off centre in profiles.",
        choices=("face", "head", "legacy"),
    )
    coverage: float = option(
        68.75,
        "How much of the centred picture is trained and swapped, as a percentage of its edge. "
        "Raise it to take in more of the forehead, jaw and cheeks; lower it to spend the model's "
        "pixels on eyes, nose and mouth. 62.5 to 75 suits 'legacy', 68.75 to 87.5 'face'; take "
        "87.5 or more with 'head'.",
        minimum=62.5,
        maximum=100,
    )
    icnr_init: bool = option(
        False,
        "Start the layers that enlarge the picture so that all four pixels made from one begin "
        "equal (ICNR). This removes the checkerboard pattern of the first hours of training. It "
        "matters only while a model is new.",
    )
    conv_aware_init: bool = option(
        False,
        "Start the convolutions with filters that are as different from one another as possible "
        "(convolution-aware initialisation). A model may learn faster and end a little better, but "
        "takes longer to build. It matters only while a model is new.",
    )
    optimizer: str = option(
        "adam",
        "The rule that turns the error of a batch into a change of the model's weights. 'adam' "
        "keeps a step size for every weight and is right for every model here.",
        choices=("adam",),
    )
    learning_rate: float = option(
        5e-5,
        "How far one step moves the weights. Higher learns faster, until the loss jumps about or "
        "becomes NaN; lower is steady and slow. 3e-5 to 1e-4 is usual. Lower it, to a half or a "
        "fifth, when a well trained model stops improving, or after NaN.",
        minimum=1e-6,
        maximum=1e-1,
        changeable=True,
    )
    epsilon_exponent: int = option(
        -7,
        "The power of ten of the optimizer's epsilon: -7 means 1e-7. Epsilon keeps the optimizer "
        "from dividing by almost nothing. Raise it, to -5 or -4, where the loss becomes NaN; the "
        "weights that change least then learn more slowly. Lower values seldom help.",
        minimum=-20,
        maximum=0,
        changeable=True,
    )
    reflect_padding: bool = option(
        False,
        "Pad the edges of a picture with its mirror image instead of zeros before a convolution. "
        "Helps against grey or blurred borders of the swapped area, and costs some speed.",
    )
    nan_protection: bool = option(
        True,
        "Stop training as soon as the loss is NaN (not a number), before the broken weights are "
        "saved. A model does not recover from NaN: leave this on.",
        changeable=True,
    )
    convert_batchsize: int = option(
        16,
        "How many faces go through the model at once when it swaps faces in pictures or video. It "
        "does not touch training. Raise it for speed, lower it where memory runs out.",
        minimum=1,
        maximum=512,
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
        "eye does: sharp, but colours drift unless l2_reg_term holds them. 'mae', the mean "
        "absolute difference: steady, exact in colour, softer. 'mse', the mean squared difference: "
        "heeds large errors most, and is the softest.",
        choices=("ssim", "mae", "mse"),
    )
    mask_loss_function: str = option(
        "mse",
        "How a predicted mask is compared with the true one, where learn_mask is on. 'mse' heeds "
        "large errors most and gives smooth edges; 'mae' weighs all errors alike.",
        choices=("mse", "mae"),
    )
    l2_reg_term: int = option(
        100,
        "How much mean squared error is added to 'ssim', in per cent; other loss functions do "
        "not use it. It keeps colours and brightness true. Raise it where colours drift; lower "
        "it for crisper texture; 0 adds none. 50 to 100 is usual.",
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
        "to the eyebrows. 'extended': the same, reaching further up the forehead. 'none': no "
        "mask; penalized_mask_loss and learn_mask must then be off.",
        choices=("components", "extended"),
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


@dataclass(frozen=True, kw_only=True)
class TrainerOptions(Options):
    """How training pictures are varied, and what the preview shows.

    Each time a face is used it is turned, moved and coloured a little differently, at random. More
    variation makes a model that copes with more angles and light; too much makes it learn slowly.
    """

    preview_images: int = option(
        14,
        "How many faces of each side the preview shows. Raise it to judge more faces at once, "
        "lower it for a smaller picture that is made faster.",
        minimum=2,
        maximum=16,
    )
    zoom_amount: int = option(
        5,
        "Zoom in or out by up to this many per cent. Raise it where the size of the face varies in "
        "its frame; 0 never zooms. 3 to 8 is usual.",
        minimum=0,
        maximum=25,
    )
    rotation_range: int = option(
        10,
        "Turn the picture by up to this many degrees either way. Raise it where heads tilt and few "
        "training faces do; 0 never turns. 5 to 15 is usual.",
        minimum=0,
        maximum=25,
    )
    shift_range: int = option(
        5,
        "Move the picture by up to this many per cent of its edge, across and down. Raise it where "
        "the alignment of the faces is unsteady; 0 never moves. 3 to 8 is usual.",
        minimum=0,
        maximum=25,
    )
    flip_chance: int = option(
        50,
        "How often a face is mirrored left to right, in per cent. It stands in for angles that "
        "the other side of the face lacks. Lower it, or use 0, for faces that are far from "
        "symmetrical: a parting, a scar, one raised eyebrow.",
        minimum=0,
        maximum=75,
    )
    color_lightness: int = option(
        30,
        "Lighten or darken a face by up to this many per cent. Raise it where the light differs "
        "between the two sides or from shot to shot; 0 never does. 20 to 40 is usual.",
        minimum=0,
        maximum=75,
    )
    color_ab: int = option(
        8,
        "Shift the tint of a face, green to red and blue to yellow, by up to this many per cent. "
        "Raise it where white balance varies; too much and skin loses its colour. 0 never shifts. "
        "5 to 10 is usual.",
        minimum=0,
        maximum=50,
    )
    color_clahe_chance: int = option(
        50,
        "How often the local contrast of a face is evened out (CLAHE), in per cent. It brings "
        "out detail in shadow and haze. Lower it, to 0 in the end, for the last days of training.",
        minimum=0,
        maximum=100,
        changeable=True,
    )
    color_clahe_max_size: int = option(
        4,
        "How coarse or fine the evening out may be: a higher value allows more and smaller patches "
        "to be treated each by itself, which changes the picture more. 2 to 5 is usual.",
        minimum=1,
        maximum=8,
    )
