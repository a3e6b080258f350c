"""Typed options: dataclass fields that carry their help, their range and whether they may change.

A set of options is a frozen dataclass that inherits from :class:`Options`, each field made by
:func:`option`. It checks itself when it is built, in code as well as from a file.
"""

import sys
from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from lib.errors import FaceswapError

T = TypeVar("T")
Value = bool | int | float | str | None
NONE = "none"
"""How None is written in a file."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is known about one option.

    Attributes
    ----------
    name
        The field's name.
    type
        bool, int, float or str.
    optional
        Whether None is a value as well.
    default
        The value of an option that is not given.
    help
        What the option does, for the user to read.
    choices
        The only values allowed besides None; None where the range alone decides.
    minimum, maximum
        The range of a number, ends included; None where there is no end.
    changeable
        Whether the value may change when the training of a model is resumed.
    """

    name: str
    type: type
    optional: bool
    default: Value
    help: str
    choices: tuple[Value, ...] | None
    minimum: float | None
    maximum: float | None
    changeable: bool


def option(
    default: T,
    help: str,
    *,
    choices: tuple[T, ...] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    changeable: bool = False,
) -> T:
    """Declare one option, as the value of a field of an :class:`Options` dataclass.

    Parameters
    ----------
    default
        The value of an option that is not given.
    help
        What the option does, what happens when it is raised or lowered, typical values.
    choices
        The only values allowed; leave None out, the field's type says whether it is allowed.
    minimum, maximum
        The range of a number, ends included.
    changeable
        Whether the value may change when the training of a model is resumed.

    Returns
    -------
    T
        A dataclass field; typed as the default, so that the class body checks.
    """
    known = {
        "default": default,
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "changeable": changeable,
    }
    return field(default=default, metadata=known)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of every set of options: raises FaceswapError when built with a bad value."""

    def __post_init__(self) -> None:
        validate(self)


def fields_of(cls: type[Options]) -> list[Option]:
    """Describe the options of a dataclass, in the order in which they are declared.

    Raises
    ------
    TypeError
        Where a field was not made by :func:`option`, or its type is none of bool, int, float and
        str, with or without None.
    """
    hints = get_type_hints(cls)
    return [_describe(declared, hints[declared.name]) for declared in fields(cls)]


def _describe(declared: Field[Any], hint: object) -> Option:
    if "changeable" not in declared.metadata:
        raise TypeError(f"option {declared.name}: declare it with option(default, help)")
    members = get_args(hint) or (hint,)
    types = [member for member in members if member is not NoneType]
    if len(types) != 1 or types[0] not in (bool, int, float, str):
        raise TypeError(f"option {declared.name}: must be bool, int, float or str, not {hint}")
    return Option(
        name=declared.name,
        type=types[0],
        optional=NoneType in members,
        **declared.metadata,
    )


def allowed(option: Option) -> str:
    """Say which values an option takes, as in ``a number from 62.5 to 100``."""
    if option.choices is not None:
        values = [to_text(choice) for choice in option.choices]
        return "one of: " + ", ".join([*values, NONE] if option.optional else values)
    text = _KINDS[option.type] + _range(option.minimum, option.maximum)
    return f"{text}, or {NONE}" if option.optional else text


_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "one line of text"}


def _range(minimum: float | None, maximum: float | None) -> str:
    low, high = (str(end).removesuffix(".0") for end in (minimum, maximum))
    if minimum is not None and maximum is not None:
        return f" from {low} to {high}"
    if minimum is not None:
        return f" of at least {low}"
    return "" if maximum is None else f" of at most {high}"


def check(option: Option, value: object) -> None:
    """Raise ValueError, with what is allowed, unless the option takes this value."""
    if value is None and option.optional:
        return
    if not _of_type(option, value) or not _in_range(option, value):
        raise ValueError(f"must be {allowed(option)}")


def _of_type(option: Option, value: object) -> bool:
    """Whether the type is right; a whole number is a number, but True is not a whole number."""
    if option.type is float:
        return type(value) in (int, float)
    return type(value) is option.type


def _in_range(option: Option, value: object) -> bool:
    if option.choices is not None:
        return value in option.choices
    if isinstance(value, str):
        # What a line of a file cannot hold, or would read back as another value.
        ambiguous = option.optional and value.lower() == NONE
        return value.isprintable() and value == value.strip() and not ambiguous
    assert isinstance(value, int | float)
    low = -sys.float_info.max if option.minimum is None else option.minimum
    high = sys.float_info.max if option.maximum is None else option.maximum
    return low <= value <= high


def validate(options: Options) -> None:
    """Check every value of a set of options.

    Raises
    ------
    FaceswapError
        For the first value that is not allowed, naming the option, the value and what is allowed.
    """
    for known in fields_of(type(options)):
        value = getattr(options, known.name)
        try:
            check(known, value)
        except ValueError as error:
            raise FaceswapError(f"{known.name} = {value!r}: {error}") from None


def parse(option: Option, text: str) -> Value:
    """Read a value as it stands in a file.

    Parameters
    ----------
    option
        The option that the value is for.
    text
        The value's text. ``none`` is None where the option takes None; ``none``, ``true`` and
        ``false`` may be written in capitals.

    Returns
    -------
    Value
        A value of the option's type, checked.

    Raises
    ------
    ValueError
        With what is allowed, where the text is no such value.
    """
    if option.optional and text.lower() == NONE:
        return None
    try:
        value: Value = _bool(text) if option.type is bool else option.type(text)
    except ValueError:
        raise ValueError(f"must be {allowed(option)}") from None
    check(option, value)
    return value


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def to_text(value: Value) -> str:
    """Write a value as it stands in a file: the inverse of :func:`parse`."""
    return NONE if value is None else str(value)


def merged(sections: Iterable[Options]) -> dict[str, Value]:
    """Flatten sets of options into one dictionary; of one name, the last set's value holds.

    So a model's own ``learning_rate`` takes the place of the global one.
    """
    return {
        known.name: getattr(section, known.name)
        for section in sections
        for known in fields_of(type(section))
    }


def changeable(classes: Iterable[type[Options]]) -> set[str]:
    """Name the options that may change on resume; of one name, the last class decides."""
    flags = {known.name: known.changeable for cls in classes for known in fields_of(cls)}
    return {name for name, flag in flags.items() if flag}
