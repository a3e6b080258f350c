from typing import Any

import pytest

from lib.config.options import Options, changeable, fields_of
from lib.config.train import GlobalOptions, LossOptions, TrainerOptions
from lib.errors import FaceswapError

SECTIONS: tuple[type[Options], ...] = (GlobalOptions, LossOptions, TrainerOptions)

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
        "nan_protection": True,
        "convert_batchsize": 16,
    },
    LossOptions: {
        "loss_function": "ssim",
        "mask_loss_function": "mse",
        "l2_reg_term": 100,
        "eye_multiplier": 3,
        "mouth_multiplier": 2,
        "penalized_mask_loss": True,
        "mask_type": "extended",
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
        "learning_rate",
        "epsilon_exponent",
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
        (LossOptions, "l2_reg_term", 0, 400),
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
    step = 1 if isinstance(low, int) else low / 1000
    for value in (low - step, high + step):
        with pytest.raises(FaceswapError, match=f"^{name} = .* from "):
            cls(**{name: value})


@pytest.mark.parametrize(
    ("cls", "name", "choices"),
    [
        (GlobalOptions, "centering", ["face", "head", "legacy"]),
        (GlobalOptions, "optimizer", ["adam"]),
        (LossOptions, "loss_function", ["ssim", "mae", "mse"]),
        (LossOptions, "mask_loss_function", ["mse", "mae"]),
        (LossOptions, "mask_type", ["components", "extended", None]),
    ],
)
def test_choices(cls: type[Options], name: str, choices: list[str | None]) -> None:
    for choice in choices:
        assert getattr(cls(**{name: choice}), name) == choice
    with pytest.raises(FaceswapError, match=f"^{name} = 'other': must be one of: {choices[0]}"):
        cls(**{name: "other"})


@pytest.mark.parametrize("known", [known for cls in SECTIONS for known in fields_of(cls)])
def test_help_is_whole_sentences(known: Any) -> None:
    assert known.help.endswith(".")
    assert len(known.help.split()) >= 15
    assert "  " not in known.help
