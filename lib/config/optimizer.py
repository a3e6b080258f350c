"""The options of the optimizer, beyond the few that the global section has."""

from dataclasses import dataclass

from lib.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions(Options):
    """How the weights are changed, beside optimizer and learning_rate in [global]."""

    beta_1: float = option(
        0.5,
        "How long the optimizer remembers the direction of earlier steps, from 0 (not at all) "
        "towards 1 (for ever). 'rms-prop' has no use for it.",
        minimum=0,
        maximum=0.999,
        changeable=True,
    )
    beta_2: float = option(
        0.99,
        "How long the optimizer remembers the size of earlier steps, from 0 (not at all) towards "
        "1 (for ever).",
        minimum=0,
        maximum=0.99999,
        changeable=True,
    )
    weight_decay: float = option(
        0.0,
        "Pull every weight towards 0 by this part of the learning rate at each step, against "
        "weights that grow without need. 0 never does; 0.001 to 0.1 is usual with 'adamw' and "
        "'lion'.",
        minimum=0,
        maximum=1,
        changeable=True,
    )
    gradient_clipping: str | None = option(
        None,
        "Limit the gradients, so that one odd batch can't throw the model off. 'norm': the length "
        "of each weight's gradient by itself. 'global_norm': the length of all together. 'value': "
        "every number by itself. 'autoclip': the length of all together, to what was usual so far "
        "(autoclip_percentile). 'none' limits nothing. Try 'autoclip' where the loss jumps about.",
        choices=("norm", "global_norm", "value", "autoclip"),
        changeable=True,
    )
    clipping_value: float = option(
        1.0,
        "The limit of gradient_clipping: the longest gradient, or the largest value, that is left "
        "as it is. Lower is stricter. 'autoclip' finds its own.",
        minimum=1e-6,
        maximum=1e6,
        changeable=True,
    )
    autoclip_percentile: int = option(
        10,
        "The limit of 'autoclip': this many per cent of earlier gradients were shorter. Lower is "
        "stricter. 10 is usual.",
        minimum=1,
        maximum=100,
        changeable=True,
    )
    gradient_accumulation: int = option(
        1,
        "Batches in one iteration: their gradients are added up before the weights change. 4 with "
        "a batch size of 8 learns as a batch size of 32 does, with the memory of 8 and four times "
        "the time.",
        minimum=1,
        maximum=64,
        changeable=True,
    )
    warmup_iterations: int = option(
        0,
        "Raise the learning rate from near 0 to its full value over this many iterations at the "
        "start of a model. Allows a higher rate later on. 0 starts at once; 100 to 1000 is usual.",
        minimum=0,
        maximum=1_000_000,
        changeable=True,
    )
    easing_iterations: int = option(
        0,
        "Lower the learning rate ever more slowly, with no end to name: to 71 per cent after this "
        "many iterations, to a half after three times as many, to a tenth after a hundred times. "
        "Allows a higher rate at first. 0 never does; 200 to 5,000 is usual.",
        minimum=0,
        maximum=100_000_000,
        changeable=True,
    )
    decay_iterations: int = option(
        0,
        "Lower the learning rate along a cosine over this many iterations after the warm-up, down "
        "to decay_to, and leave it there: sharper at the end, if you know when that is. 0 leaves "
        "the rate as it is.",
        minimum=0,
        maximum=100_000_000,
        changeable=True,
    )
    decay_to: int = option(
        5,
        "Where decay_iterations leads, in per cent of the learning rate. 1 to 10 is usual; at 0 "
        "the model learns nothing any more once it is there.",
        minimum=0,
        maximum=100,
        changeable=True,
    )
    average_momentum: float = option(
        0.99,
        "Previews, evaluation and swaps use an average of the weights over time, which is better "
        "than the weights of any one moment. This is how long it looks back: 0.99 about 100 "
        "iterations, 0.999 about 1,000; 0 keeps no average, and saves memory of the model's size.",
        minimum=0,
        maximum=0.9999,
        changeable=True,
    )
