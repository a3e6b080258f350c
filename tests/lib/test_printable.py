import pytest

from lib.printable import printable


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("Zoë, 'é' 漢字 😀", "", "Zoë, 'é' 漢字 😀"),
        ("\x1b[2Jgone", "", "\\x1b[2Jgone"),
        ("a\nb\tc", "\n", "a\nb\\tc"),
        ("\u202eright to left", "", "\\u202eright to left"),
        ("\udc80", "", "\\udc80"),
    ],
)
def test_a_terminal_gets_no_orders(text: str, keep: str, shown: str) -> None:
    assert printable(text, keep) == shown
