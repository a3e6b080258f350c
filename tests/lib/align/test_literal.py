import gc
import sys
import threading
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.align.literal import DEEPEST_NESTING, MOST_VALUES, parse_literal

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.binary(max_size=12)
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=6,
)
WARNED_OF = (r"b'\u0041'", r'b"\U00000041"', r"{1: b'\u'}")
CHAINS = (
    "-1",
    "not 1,",
    "1+",
    "1 if 1 else ",
    "f()",
    "()()",
    "[0][0]",
    "a.",
    "lambda:",
    "'a'",
    "1-1",
)


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list | tuple) else 0


@settings(max_examples=150, deadline=None)
@given(VALUES.filter(lambda value: depth(value) <= DEEPEST_NESTING))
def test_what_repr_writes_is_read_back(value):
    assert parse_literal(repr(value)) == value


@settings(max_examples=150, deadline=None)
@given(st.text("[](){}'\",:.-+e0123 \\bxTrueNoFals\n\0äf", max_size=40))
def test_anything_else_is_a_value_error(text):
    try:
        value = parse_literal(text)
    except ValueError:
        return
    assert parse_literal(repr(value)) == value


@pytest.mark.parametrize("text", WARNED_OF)
def test_text_that_python_warns_of_is_refused_without_a_word(text):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="not a Python literal"):
            parse_literal(text)
    assert warned == []


def test_depth_is_bounded():
    fits = "[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING
    assert repr(parse_literal(fits)) == fits
    with pytest.raises(ValueError, match="nested more than 8 deep"):
        parse_literal(f"[{fits}]")


@pytest.mark.parametrize("link", CHAINS)
def test_long_chains_are_refused_before_they_are_parsed(link):
    with pytest.raises(ValueError, match="not a Python literal"):
        parse_literal(link * 100_000 + "1")


@pytest.mark.parametrize("bracket", ["(", "[", "{", "[[1],", ")", "{1:"])
def test_endless_brackets_are_refused(bracket):
    with pytest.raises(ValueError, match=r"literal|deep|values"):
        parse_literal(bracket * 100_000)


WRONG = (
    "",
    "[1",
    "[)",
    "__import__('os')",
    "{[]: 1}",
    "{{}}",
    "1.5.5",
    "'\\777'",
    "'\\N{DASH}'",
    r"b'\u0041'",
)
PYTHONIC = ("nan", "1e", "9" * 5000, "'a\0b'", "f'{1}'", "'''a'''", "0x1", "1_000", "'a\nb'", "1j")


@pytest.mark.parametrize("text", WRONG + PYTHONIC)
def test_text_that_is_no_plain_literal_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_literal(text)


@pytest.mark.parametrize("value", ["0,", "'a',", "[],", "(),", "0:"])
def test_values_are_bounded_in_number(value):
    """A megabyte of them would take seconds and half a gigabyte."""
    opening, closing = "{}" if ":" in value else "[]"
    item = f"{value}0," if ":" in value else value
    count = (MOST_VALUES - 1) // (1 + (":" in value))
    assert parse_literal(opening + item * count + closing)
    with pytest.raises(ValueError, match=f"more than {MOST_VALUES} values"):
        parse_literal(opening + item * (count + 1) + closing)


def test_many_threads_may_parse_at_once() -> None:
    """Python's own parser counts its depth for all threads together in some versions."""
    text = repr({"landmarks": [[float(i), float(i)] for i in range(68)]})
    faults: list[BaseException] = []

    def parse() -> None:
        try:
            for _ in range(200):
                parse_literal(text)
        except BaseException as fault:
            faults.append(fault)

    def collected(*_: object) -> None:
        sum(range(300))  # long enough for another thread to come in

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    gc.callbacks.append(collected)
    try:
        threads = [threading.Thread(target=parse) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collected)
    assert faults == []
