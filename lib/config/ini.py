"""A file of options: written with every option and its help, read back with checks line by line.

The syntax is the plain part of INI: ``[section]``, ``name = value``, and comments on lines of
their own that begin with ``#`` or ``;``.
"""

import inspect
import logging
import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from lib.config.options import Option, Options, Value, allowed, fields_of, parse, to_text
from lib.errors import FaceswapError
from lib.files import replacing

logger = logging.getLogger(__name__)

Schema = Mapping[str, type[Options]]
"""The sections that a file may have, and the options of each."""

MAX_BYTES = 2**20
WIDTH = 100
SHOWN = 60


@dataclass(frozen=True)
class IniFile:
    """What is peculiar to one file of options.

    Attributes
    ----------
    name
        What it is called, ``train.ini`` say.
    introduction
        What stands at its top.
    plugin_sections
        What the sections of plugins begin with. Those of unknown plugins are passed over: a user's
        plugins are not in sight of every command.
    """

    name: str
    introduction: str
    plugin_sections: tuple[str, ...]


TRAIN: Final = IniFile(
    name="train.ini",
    introduction="""\
The options of training. Each is one line, name = value; lines that begin with # or ; are comments.
An option that is left out has its default.

An option is fixed unless its help says that it may change on resume: a model keeps the value that
it was begun with, and later changes here hold for new models alone.""",
    plugin_sections=("model.",),
)


def default_path(cwd: Path | None = None, kind: IniFile = TRAIN) -> Path:
    """Say where the options are kept when no file is named.

    Parameters
    ----------
    cwd
        The working folder; None for the one that the process runs in.
    kind
        Which file.

    Returns
    -------
    Path
        ``config/train.ini``, say, under the working folder where there is one, else ``train.ini``
        in the user's configuration folder, whether it exists or not.
    """
    local = (cwd or Path()) / "config" / kind.name
    return local if os.path.isfile(local) else user_config_path("faceswap") / kind.name


def load(path: str | Path | None, schema: Schema, kind: IniFile = TRAIN) -> dict[str, Options]:
    """Read the options of every section from a file.

    Parameters
    ----------
    path
        The file; None for the default one, which is written with all defaults where it is absent.
    schema
        The sections that the file may have.
    kind
        Which file.

    Returns
    -------
    dict[str, Options]
        For each section of the schema its options; what the file leaves out has its default.

    Raises
    ------
    FaceswapError
        Where a named file is absent, a file is not readable text of at most 1 MiB, or a line is
        not in order: unknown or repeated names, a bad value. Names the file and the line.
    """
    default = default_path(kind=kind)
    file = default if path is None else Path(path)
    if os.path.exists(file):
        return _read(file, schema, kind)
    if path is not None:
        raise FaceswapError(f"{file}: there is no such file; {_how_to_get_one(default)}")
    _write_defaults(file, schema, kind)
    return {section: cls() for section, cls in schema.items()}


def tell(path: str | Path | None, kind: IniFile = TRAIN) -> None:
    """Say which file `load` reads; of one that it writes, `load` tells by itself."""
    file = path or default_path(kind=kind)
    if os.path.exists(file):
        logger.info("Options: %s", file)


def render(
    schema: Schema, values: Mapping[str, Options] | None = None, kind: IniFile = TRAIN
) -> str:
    """Write the text of a whole file: every option, below its help.

    Parameters
    ----------
    schema
        The sections, in the order to write them.
    values
        Options by section; a section that is missing here is written with its defaults.
    kind
        Which file.

    Returns
    -------
    str
        Text that :func:`load` reads back to the same options.
    """
    parts = [_comment(kind.introduction)]
    for section, cls in schema.items():
        parts.append(f"[{section}]\n{_comment(_section_help(cls))}")
        options = (values or {}).get(section) or cls()
        parts.extend(_entry(known, getattr(options, known.name)) for known in fields_of(cls))
    return "\n".join(parts)


def _section_help(cls: type[Options]) -> str:
    """Return the docstring, unless it is the signature that dataclasses put where there is none."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return "" if text.startswith(f"{cls.__name__}(") else text


def _entry(option: Option, value: Value) -> str:
    values, default = allowed(option), to_text(option.default) or "empty"
    facts = f"{values[0].upper()}{values[1:]}. Default: {default}."
    if option.changeable:
        facts += " May change on resume."
    return f"{_comment(option.help)}{_comment(facts)}{option.name} = {to_text(value)}\n"


def _comment(text: str) -> str:
    """Wrap paragraphs, which blank lines part, as comment lines."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        wrapped = textwrap.wrap(paragraph, WIDTH - 2, break_long_words=False)
        lines += ["", *wrapped] if lines else wrapped
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _how_to_get_one(default: Path) -> str:
    if os.path.exists(default):
        return f"copy {default} there and edit it"
    return f"run once without naming a file, and one with all the defaults is written to {default}"


def _write_defaults(path: Path, schema: Schema, kind: IniFile) -> None:
    """Write the file, or go on without: a home folder may be read-only."""
    try:
        with replacing(path) as temporary:
            temporary.write_text(render(schema, kind=kind), encoding="utf-8")
    except FaceswapError as error:
        logger.warning("%s; going on with the default options", error)
    else:
        logger.info("Wrote the default options to %s", path)


@dataclass(frozen=True)
class _Line:
    """One line that means something: the start of a section (name None) or an option in it."""

    number: int
    section: str
    name: str | None = None
    value: str = ""

    def __str__(self) -> str:
        if self.name is None:
            return f"[{_short(self.section)}]"
        return f"[{self.section}] {_short(self.name)} = {_short(self.value)!r}"


def _read(path: Path, schema: Schema, kind: IniFile) -> dict[str, Options]:
    found: dict[str, dict[str, Value]] = {section: {} for section in schema}
    for line in _unique(path, _scan(path, _text(path))):
        if line.section not in schema:
            if _belongs_to_absent_plugin(line.section, schema, kind):
                continue
            raise _error(path, line, _unknown("section", line.section, schema))
        if line.name is not None:
            found[line.section][line.name] = _value(path, line, schema[line.section])
    return {section: cls(**found[section]) for section, cls in schema.items()}


def _belongs_to_absent_plugin(section: str, schema: Schema, kind: IniFile) -> bool:
    """Tell the options of a plugin that is out of sight just now from a misspelt name."""
    for start in kind.plugin_sections:
        if section.startswith(start):
            known = [name.removeprefix(start) for name in schema if name.startswith(start)]
            return not get_close_matches(section.removeprefix(start), known)
    return False


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FaceswapError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise FaceswapError(f"{path} is larger than 1 MiB: this is no file of options")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise FaceswapError(f"{path}, line {number}: not UTF-8 text; save it as UTF-8") from error


def _scan(path: Path, text: str) -> Iterator[_Line]:
    section = None
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        content = raw.strip()
        if not content or content[0] in "#;":
            continue
        if content[0] == "[" and content[-1] == "]":
            section = content[1:-1].strip()
            yield _Line(number, section)
            continue
        name, equals, value = content.partition("=")
        if not equals or not name.strip():
            expected = "must be a [section], an option (name = value) or a comment (# text)"
            raise FaceswapError(f"{path}, line {number}: {_short(content)!r}: {expected}")
        if section is None:
            reason = "an option must stand below its [section]"
            raise FaceswapError(f"{path}, line {number}: {_short(content)!r}: {reason}")
        yield _Line(number, section, name.strip(), value.strip())


def _unique(path: Path, lines: Iterable[_Line]) -> Iterator[_Line]:
    first: dict[tuple[str, str | None], int] = {}
    for line in lines:
        number = first.setdefault((line.section, line.name), line.number)
        if number != line.number:
            raise _error(path, line, f"is already on line {number}; keep one of the two")
        yield line


def _value(path: Path, line: _Line, cls: type[Options]) -> Value:
    known = {option.name: option for option in fields_of(cls)}
    if line.name not in known:
        raise _error(path, line, _unknown("option", line.name or "", known))
    try:
        return parse(known[line.name], line.value)
    except ValueError as error:
        raise _error(path, line, str(error)) from None


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name[:SHOWN].lower(), names, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    return f"no such {kind}{guess} (known: {', '.join(names)})"


def _error(path: Path, line: _Line, reason: str) -> FaceswapError:
    return FaceswapError(f"{path}, line {line.number}: {line}: {reason}")


def _short(text: str) -> str:
    """Keep a message to one readable line, whatever the file holds."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
