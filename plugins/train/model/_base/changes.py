"""Options that change while a model trains."""

from typing import Any

from lib.config.options import Option, Value, check, fields_of, parse
from lib.errors import FaceswapError
from lib.model.compiling import compile_model
from plugins.train.model._base.checks import check_options

EACH_STEP = frozenset(
    (
        "learning_rate",
        "warmup_iterations",
        "easing_iterations",
        "decay_iterations",
        "decay_to",
    )
)
"""Options that are read at each step; what goes by others has to be made anew."""

_SHOWN = 40


def changeable(classes: list[type]) -> dict[str, Option]:
    """Options that may change, by name; of one name, the last class decides."""
    known = {option.name: option for cls in classes for option in fields_of(cls)}
    return {name: option for name, option in known.items() if option.changeable}


def checked(known: dict[str, Option], name: str, value: Value) -> Value:
    """A value as an option takes it.

    Parameters
    ----------
    known
        Options that may change, by name.
    name
        Which one.
    value
        The value, or its text as in train.ini.

    Raises
    ------
    FaceswapError
        There is no such option, or it takes no such value.
    """
    if name not in known:
        raise FaceswapError(
            f"'{name[:_SHOWN]}' is no option that may change while training; faceswap status "
            "--json lists those that are"
        )
    option = known[name]
    try:
        if isinstance(value, str):
            return parse(option, value)
        check(option, value)
    except ValueError as error:
        raise FaceswapError(f"{name} = {str(value)[:_SHOWN]!r}: {error}") from None
    return float(value) if option.type is float and value is not None else value


def change(plugin: Any, name: str, value: Value) -> None:
    """Give a model that trains another value of an option.

    Its optimizer and losses are made anew, as where a run resumes with that value; the model keeps
    all that it has learned.

    Parameters
    ----------
    plugin : plugin from plugins.train.model
        It has been built.
    name, value
        One of its `changeable` options, `checked`.

    Raises
    ------
    FaceswapError
        The value can't be used along with the others; nothing has changed then.
    """
    before = plugin.config[name]
    plugin.config[name] = value
    if name not in EACH_STEP:
        try:
            _make_anew(plugin)
        except FaceswapError:
            plugin.config[name] = before
            _make_anew(plugin)
            raise
    plugin.state.set_option(name, value)


def _make_anew(plugin: Any) -> None:
    check_options(plugin.config)
    plugin.saves.forget_model()
    compile_model(plugin.model, plugin.config, plugin.color_order)
