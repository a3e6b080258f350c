from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from lib.config.options import (
    Options,
    allowed,
    changeable,
    check,
    fields_of,
    merged,
    option,
    parse,
    to_text,
)
from lib.errors import FaceswapError


@dataclass(frozen=True, kw_only=True)
class Kinds(Options):
    """One option of every kind."""

    flag: bool = option(True, "A flag.")
    count: int = option(3, "A count.", minimum=0, maximum=9)
    ratio: float = option(0.5, "A ratio.", minimum=0.25, maximum=1e3, changeable=True)
    size: int = option(64, "A size.", choices=(64, 128))
    mask: str | None = option("wide", "A mask.", choices=("wide", "narrow"))
    note: str = option("", "A note.")
    label: str | None = option(None, "A label.")
    low: int = option(5, "At least.", minimum=1)
    high: float = option(5.0, "At most.", maximum=7.5)


KNOWN = {known.name: known for known in fields_of(Kinds)}


def test_fields_are_described_in_order() -> None:
    assert list(KNOWN) == [
        "flag",
        "count",
        "ratio",
        "size",
        "mask",
        "note",
        "label",
        "low",
        "high",
    ]
    ratio = KNOWN["ratio"]
    assert (ratio.type, ratio.optional, ratio.default) == (float, False, 0.5)
    assert (ratio.minimum, ratio.maximum, ratio.changeable) == (0.25, 1e3, True)
    assert (KNOWN["mask"].type, KNOWN["mask"].optional) == (str, True)
    assert KNOWN["mask"].choices == ("wide", "narrow")
    assert KNOWN["count"].help == "A count."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flag", "True or False"),
        ("count", "a whole number from 0 to 9"),
        ("ratio", "a number from 0.25 to 1000"),
        ("size", "one of: 64, 128"),
        ("mask", "one of: wide, narrow, none"),
        ("note", "one line of text"),
        ("label", "one line of text, or none"),
        ("low", "a whole number of at least 1"),
        ("high", "a number of at most 7.5"),
    ],
)
def test_allowed_says_what_an_option_takes(name: str, text: str) -> None:
    assert allowed(KNOWN[name]) == text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("flag", "True", True),
        ("flag", "false", False),
        ("count", "9", 9),
        ("count", "0", 0),
        ("ratio", "0.25", 0.25),
        ("ratio", "1", 1.0),
        ("ratio", "1e3", 1000.0),
        ("size", "128", 128),
        ("mask", "narrow", "narrow"),
        ("mask", "None", None),
        ("note", "", ""),
        ("note", "none", "none"),
        ("note", "a = b # c", "a = b # c"),
        ("label", "none", None),
        ("high", "-1e300", -1e300),
    ],
)
def test_parse_reads_values(name: str, text: str, value: object) -> None:
    read = parse(KNOWN[name], text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flag", "yes"),
        ("flag", ""),
        ("count", "10"),
        ("count", "-1"),
        ("count", "3.0"),
        ("count", "none"),
        ("count", "9" * 5000),
        ("ratio", "0.2"),
        ("ratio", "1000.1"),
        ("ratio", "0,5"),
        ("ratio", "nan"),
        ("high", "nan"),
        ("high", "-inf"),
        ("size", "96"),
        ("mask", "Wide"),
        ("low", "0"),
        ("high", "8"),
    ],
)
def test_parse_refuses_what_is_not_allowed_and_says_what_is(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="must be ") as caught:
        parse(KNOWN[name], text)
    assert str(caught.value) == f"must be {allowed(KNOWN[name])}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", 1),
        ("count", True),
        ("count", 3.0),
        ("count", None),
        ("count", "3"),
        ("ratio", True),
        ("ratio", float("nan")),
        ("high", -(10**400)),
        ("size", 96),
        ("mask", "none"),
        ("label", "None"),
        ("note", None),
        ("note", "two\nlines"),
        ("note", " padded"),
        ("note", "\ud800"),
    ],
)
def test_options_built_in_code_are_checked(name: str, value: object) -> None:
    with pytest.raises(FaceswapError) as caught:
        Kinds(**{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name} = {value!r}: must be {allowed(KNOWN[name])}"


def test_a_whole_number_is_a_number() -> None:
    assert Kinds(ratio=2).ratio == 2
    check(KNOWN["ratio"], 2)


def test_options_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Kinds().count = 4  # type: ignore[misc]


@pytest.mark.parametrize(("value", "text"), [(None, "none"), (True, "True"), (5e-5, "5e-05")])
def test_to_text(value: float | None, text: str) -> None:
    assert to_text(value) == text


def test_a_field_of_another_type_is_a_mistake_of_the_code() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Bad(Options):
        sizes: tuple[int, ...] = option((1, 2), "Sizes.")

    with pytest.raises(TypeError, match=r"option sizes: must be bool, int, float or str"):
        fields_of(Bad)


def test_a_field_without_help_is_a_mistake_of_the_code() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Bad(Options):
        size: int = field(default=1)

    with pytest.raises(TypeError, match="option size: declare it with option"):
        Bad()


@dataclass(frozen=True, kw_only=True)
class Model(Options):
    """A model's own options."""

    lowmem: bool = option(False, "Small.", changeable=True)
    ratio: float = option(0.75, "Its own ratio.", minimum=0.0, maximum=1.0)


def test_later_sections_override_earlier_ones() -> None:
    flat = merged([Kinds(count=4), Model(lowmem=True)])
    assert flat["ratio"] == 0.75
    assert (flat["count"], flat["lowmem"]) == (4, True)
    assert list(flat) == [*KNOWN, "lowmem"]
    assert merged([Model(), Kinds()])["ratio"] == 0.5
    assert merged([]) == {}


def test_the_last_class_decides_what_may_change() -> None:
    assert changeable([Kinds]) == {"ratio"}
    assert changeable([Kinds, Model]) == {"lowmem"}
    assert changeable([Model, Kinds]) == {"lowmem", "ratio"}
