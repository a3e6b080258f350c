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
        "keeps a step size for every weight and is right for every model here; 'adamw' is the same "
        "by the name that goes with weight_decay; 'nadam' looks one step ahead; 'adabelief' takes "
        "large steps where the gradient is steady; 'rms-prop' has no momentum; 'lion' knows only "
        "the sign of a step, so give it a third to a tenth of the learning_rate.",
        choices=("adam", "adamw", "nadam", "adabelief", "rms-prop", "lion"),
    )
    learning_rate: float = option(
        5e-5,
        "How far one step moves the weights. Higher learns faster, until the loss jumps about or "
        "becomes NaN; lower is steady and slow. 3e-5 to 1e-4 is usual, for "
        "'compact' 5e-4 to 2e-3. Lower it, to a half or a fifth, when a well trained model stops "
        "improving, or after NaN.",
        minimum=1e-6,
        maximum=1e-1,
        changeable=True,
    )
    epsilon_exponent: int = option(
        -7,
        "The power of ten of the optimizer's epsilon: -7 means 1e-7. Epsilon keeps the optimizer "
        "from dividing by almost nothing. Raise it, to -5 or -4, where the loss becomes NaN; the "
        "weights that change least then learn more slowly. Lower values seldom help, but "
        "'adabelief' needs -16: with -7 it hardly learns.",
        minimum=-20,
        maximum=0,
        changeable=True,
    )
    reflect_padding: bool = option(
        False,
        "Pad the edges of a picture with its mirror image instead of zeros before a convolution. "
        "Helps against grey or blurred borders of the swapped area, and costs some speed.",
    )
    mixed_precision: bool | None = option(
        False,
        "Compute in numbers of 16 bits where that is safe, and keep the weights in 32. Up to twice "
        "as fast and half the memory on GPUs and processors with units for it; on others it only "
        "costs accuracy. 'none': where the device has units for bfloat16 and mixed_precision_type "
        "is 'bfloat16'; with 'float16' it is the same as False.",
        changeable=True,
    )
    compile_losses: bool = option(
        False,
        "Make one program of the loss functions with torch.compile. A small model trains some per "
        "cent faster, more with several loss functions; the first iteration takes up to a minute "
        "longer. Needs a C++ compiler on a CPU, and Triton on a GPU.",
        changeable=True,
    )
    mixed_precision_type: str = option(
        "bfloat16",
        "The 16-bit numbers of mixed_precision. 'bfloat16': the range of 32-bit numbers; for "
        "NVIDIA GPUs of 2020 (Ampere) and later. 'float16': more exact and for older GPUs too, "
        "but of small range: the loss is scaled to fit it, and a step that does not fit is "
        "skipped.",
        choices=("bfloat16", "float16"),
        changeable=True,
    )
    nan_protection: bool = option(
        True,
        "Look at every step before it changes the weights: one whose loss or gradient is not a "
        "number is skipped, with its cause and faces named. After many of them, or when the faces "
        "go flat or the loss runs away, go back to the last good save and on at half the learning "
        "rate; after three times in vain, stop. A model does not recover from NaN: leave this on.",
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
