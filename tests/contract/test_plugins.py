"""Every model plugin goes through the suite of ``faceswap plugins check``."""

from pathlib import Path

import pytest

from plugins import loader
from plugins.contract import CHECKS, check_plugin

USERS = Path(__file__).parents[1] / "fixtures" / "plugins"
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name == "original" else ())
    for name in loader.model_names(str(USERS))
]


@pytest.mark.parametrize("name", NAMES)
def test_the_plugin_keeps_every_promise(name: str) -> None:
    findings = list(check_plugin(name, str(USERS)))
    assert [finding.problem for finding in findings] == [None] * len(CHECKS)


def test_the_suite_tries_what_comes_with_the_program_and_what_users_bring() -> None:
    assert {"original", "compact", "tiny", "unequal", "several"} <= set(
        loader.model_names(str(USERS))
    )


GOOD = '''
"""A model."""
import keras
from lib.model.nn_blocks import Conv2DOutput
from plugins.train.model._base import KerasModel, ModelBase

class Model(ModelBase):
    """A model."""
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_shape = (16, 16, 3)
    def build_model(self, inputs):
        encoder = keras.layers.Conv2D(4, 3, padding="same", name="encoder")
        outputs = [Conv2DOutput(3, 3, name=f"face_{s}")(encoder(x)) for s, x in zip("ab", inputs)]
        return KerasModel(inputs, outputs, name=self.name)
'''


def problem(folder: Path, text: str) -> str | None:
    (folder / "mine.py").write_text(text)
    return list(check_plugin("mine", str(folder)))[-1].problem


def test_a_small_plugin_of_a_users_own_passes(tmp_path: Path) -> None:
    assert problem(tmp_path, GOOD) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('    """A model."""', "    pass", "no docstring"),
        ("class Model", "class Options: pass\nclass Model", "Options is no dataclass"),
        ("name=self.name", 'name="other"', "named 'other'"),
        ("(16, 16, 3)", "(16, 8, 3)", "input_shape"),
        ("import keras", "import kerass", "can't be imported"),
        ("encoder(x))", "encoder(y))", "build_model() of 'mine' failed"),
        (
            'Conv2DOutput(3, 3, name=f"face_{s}")(encoder(x))',
            'keras.layers.Conv2D(3, 3, padding="same")(encoder(x))',
            "half precision: end it in Conv2DOutput",
        ),
        (
            'keras.layers.Conv2D(4, 3, padding="same", name="encoder")',
            'keras.layers.Dense(4, name="encoder", bias_initializer="zeros", '
            'kernel_initializer="zeros", activation="relu")',
            "leaves 'encoder/kernel' as it was",
        ),
        (
            "    def build_model",
            "    def save(self): pass\n    def build_model",
            "saved and loaded differs",
        ),
        (
            "return KerasModel",
            "inputs[0] * float('nan')\n        outputs[0] = outputs[0] * float('nan')\n"
            "        return KerasModel",
            "no numbers",
        ),
    ],
)
def test_what_is_wrong_with_a_plugin_is_named(
    tmp_path: Path, before: str, after: str, expected: str
) -> None:
    assert before in GOOD
    found = problem(tmp_path, GOOD.replace(before, after, 1))
    assert found is not None
    assert expected in found
