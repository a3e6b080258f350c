from pathlib import Path
from typing import Any

import pytest

from lib.config.ini import load
from lib.config.loss import FUNCTIONS as NAMES
from lib.config.loss import LossOptions
from lib.config.optimizer import OptimizerOptions
from lib.config.options import Option, Options, allowed, changeable, fields_of
from lib.config.sections import ALL
from lib.config.train import GlobalOptions, TrainerOptions
from lib.errors import FaceswapError
from plugins import loader

SECTIONS: tuple[type[Options], ...] = tuple(ALL.values())

OPTIMIZERS = ["adam", "adamw", "nadam", "adabelief", "rms-prop", "lion"]
CLIPPINGS = ["norm", "global_norm", "value", "autoclip"]
FUNCTIONS = [
    *("ssim", "ms_ssim", "mae", "mse", "logcosh", "smooth_loss", "l_inf_norm", "gmsd"),
    *("pixel_gradient_diff", "laploss", "ffl", "flip"),
]
DEFAULTS: dict[type[Options], dict[str, Any]] = {
    GlobalOptions: {
        "centering": "face",
        "coverage": 68.75,
        "icnr_init": False,
        "conv_aware_init": False,
        "optimizer": "adam",
        "learning_rate": 5e-5,
        "epsilon_exponent": -7,
        "reflect_padding": False,
        "mixed_precision": False,
        "compile_losses": False,
        "mixed_precision_type": "bfloat16",
        "nan_protection": True,
        "convert_batchsize": 16,
    },
    OptimizerOptions: {
        "beta_1": 0.5,
        "beta_2": 0.99,
        "weight_decay": 0,
        "gradient_clipping": None,
        "clipping_value": 1,
        "autoclip_percentile": 10,
        "gradient_accumulation": 1,
        "warmup_iterations": 0,
        "easing_iterations": 0,
        "decay_iterations": 0,
        "decay_to": 5,
        "average_momentum": 0.99,
    },
    LossOptions: {
        "loss_function": "ssim",
        "loss_function_2": None,
        "loss_weight_2": 100,
        "loss_function_3": None,
        "loss_weight_3": 100,
        "loss_function_4": None,
        "loss_weight_4": 100,
        "mask_loss_function": "mse",
        "l2_reg_term": 100,
        "eye_multiplier": 3,
        "mouth_multiplier": 2,
        "penalized_mask_loss": True,
        "mask_type": "extended",
        "mask_dilation": 0,
        "mask_blur_kernel": 3,
        "mask_threshold": 4,
        "learn_mask": False,
    },
    TrainerOptions: {
        "preview_images": 14,
        "zoom_amount": 5,
        "rotation_range": 10,
        "shift_range": 5,
        "flip_chance": 50,
        "color_lightness": 30,
        "color_ab": 8,
        "color_clahe_chance": 50,
        "color_clahe_max_size": 4,
    },
}


@pytest.mark.parametrize("cls", SECTIONS)
def test_names_and_defaults(cls: type[Options]) -> None:
    assert vars(cls()) == DEFAULTS[cls]


def test_what_may_change_on_resume() -> None:
    assert changeable(SECTIONS) == {
        *DEFAULTS[OptimizerOptions],
        "learning_rate",
        "epsilon_exponent",
        "mixed_precision",
        "compile_losses",
        "mixed_precision_type",
        "loss_weight_2",
        "loss_weight_3",
        "loss_weight_4",
        "nan_protection",
        "convert_batchsize",
        "eye_multiplier",
        "mouth_multiplier",
        "color_clahe_chance",
    }


@pytest.mark.parametrize(
    ("cls", "name", "low", "high"),
    [
        (GlobalOptions, "coverage", 62.5, 100),
        (GlobalOptions, "learning_rate", 1e-6, 1e-1),
        (GlobalOptions, "epsilon_exponent", -20, 0),
        (GlobalOptions, "convert_batchsize", 1, 512),
        (OptimizerOptions, "beta_1", 0, 0.999),
        (OptimizerOptions, "autoclip_percentile", 1, 100),
        (OptimizerOptions, "gradient_accumulation", 1, 64),
        (OptimizerOptions, "average_momentum", 0, 0.9999),
        (LossOptions, "l2_reg_term", 0, 400),
        (LossOptions, "loss_weight_2", 1, 400),
        (LossOptions, "mask_dilation", -5, 5),
        (LossOptions, "eye_multiplier", 1, 40),
        (LossOptions, "mouth_multiplier", 1, 40),
        (LossOptions, "mask_blur_kernel", 0, 9),
        (LossOptions, "mask_threshold", 0, 50),
        (TrainerOptions, "preview_images", 2, 16),
        (TrainerOptions, "shift_range", 0, 25),
        (TrainerOptions, "flip_chance", 0, 75),
        (TrainerOptions, "color_clahe_max_size", 1, 8),
    ],
)
def test_ranges_include_their_ends_and_no_more(
    cls: type[Options], name: str, low: float, high: float
) -> None:
    for value in (low, high):
        assert getattr(cls(**{name: value}), name) == value
    step = 1 if isinstance(high, int) else high / 1000
    for value in (low - step, high + step):
        with pytest.raises(FaceswapError, match=f"^{name} = .* from "):
            cls(**{name: value})


@pytest.mark.parametrize(
    ("cls", "name", "choices"),
    [
        (GlobalOptions, "centering", ["face", "head", "legacy"]),
        (GlobalOptions, "optimizer", OPTIMIZERS),
        (GlobalOptions, "mixed_precision_type", ["bfloat16", "float16"]),
        (OptimizerOptions, "gradient_clipping", [*CLIPPINGS, None]),
        (LossOptions, "loss_function", FUNCTIONS),
        (LossOptions, "loss_function_2", [*FUNCTIONS, None]),
        (LossOptions, "mask_loss_function", ["mse", "mae"]),
    ],
)
def test_choices(cls: type[Options], name: str, choices: list[str | None]) -> None:
    for choice in choices:
        assert getattr(cls(**{name: choice}), name) == choice
    with pytest.raises(FaceswapError, match=f"^{name} = 'other': must be one of: {choices[0]}"):
        cls(**{name: "other"})


EVERY = {
    f"{section}.{known.name}": (section, known)
    for section, cls in loader.option_sections().items()
    for known in fields_of(cls)
}


def wrong(known: Option) -> list[str]:
    """Values just outside what an option takes."""
    if known.choices is not None or known.type is bool:
        return ["other", ""]
    if known.type is str:
        return ["\a"]
    assert known.minimum is not None, "every number has a range"
    assert known.maximum is not None
    return [str(known.minimum - 1), str(known.maximum + 1), "nan", "many", ""]


@pytest.mark.parametrize("name", EVERY)
def test_a_value_out_of_range_is_one_line_that_names_the_option(name: str, tmp_path: Path) -> None:
    section, known = EVERY[name]
    file = tmp_path / "train.ini"
    for value in wrong(known):
        file.write_text(f"[{section}]\n{known.name} = {value}\n", encoding="utf-8")
        with pytest.raises(FaceswapError) as caught:
            load(file, loader.option_sections())
        said = str(caught.value)
        assert f"line 2: [{section}] {known.name} = " in said
        assert said.endswith(allowed(known))
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["components", "extended", "bisenet-fp_face", None])
def test_a_mask_may_have_any_name(name: str | None) -> None:
    assert LossOptions(mask_type=name).mask_type == name


def test_the_losses_are_those_that_there_are() -> None:
    from lib.model.losses.face import FUNCTIONS as THERE

    assert set(NAMES) == set(THERE)


@pytest.mark.parametrize("known", [known for cls in SECTIONS for known in fields_of(cls)])
def test_help_is_whole_sentences(known: Any) -> None:
    assert known.help.endswith(".")
    assert len(known.help.split()) >= 15
    assert "  " not in known.help
