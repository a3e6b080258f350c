"""Text as a terminal may show it, whatever a file is called or a log holds."""


def printable(text: str, keep: str = "") -> str:
    """Text with escapes in the place of control characters, which a terminal would obey.

    Parameters
    ----------
    text
        What is to be shown.
    keep
        Control characters to let through, such as line ends.
    """
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)
