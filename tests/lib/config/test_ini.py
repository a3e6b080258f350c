import logging
import os
import textwrap
from configparser import ConfigParser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.config.ini import default_path, load, render, tell
from lib.config.loss import LossOptions
from lib.config.options import Option, Options, fields_of, option
from lib.config.train import GlobalOptions, TrainerOptions
from lib.errors import FaceswapError


@dataclass(frozen=True, kw_only=True)
class Plugin(Options):
    """Options of a plugin.

    A second paragraph.
    """

    note: str = option("", "A note.")
    label: str | None = option(None, "A label.\n\nWith a second paragraph.")
    ratio: float = option(0.1, "Any number.")
    count: int = option(-1, "Any whole number.")


@dataclass(frozen=True, kw_only=True)
class Undocumented(Options):
    flag: bool = option(False, "A flag.")


SCHEMA: dict[str, type[Options]] = {
    "global": GlobalOptions,
    "global.loss": LossOptions,
    "trainer.original": TrainerOptions,
    "model.plugin": Plugin,
    "model.undocumented": Undocumented,
}
DEFAULTS = {section: cls() for section, cls in SCHEMA.items()}


@pytest.fixture
def user_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in the user's configuration folder; the working folder is an empty one."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("lib.config.ini.user_config_path", lambda name: tmp_path / "user" / name)
    return tmp_path / "user" / "faceswap" / "train.ini"


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "my.ini"
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return path


def failure(path: Path) -> str:
    """Load a faulty file; its message, which must be one line that starts with the path."""
    with pytest.raises(FaceswapError) as caught:
        load(str(path), SCHEMA)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_the_working_folders_file_comes_first(user_path: Path, tmp_path: Path) -> None:
    assert default_path() == default_path(tmp_path) == user_path
    local = tmp_path / "work" / "config" / "train.ini"
    local.parent.mkdir()
    local.write_text("[global]\ncoverage = 70\n")
    assert default_path().resolve() == local.resolve()
    assert default_path(tmp_path) == user_path
    assert default_path(tmp_path / "work") == local
    assert load(None, SCHEMA) == {**DEFAULTS, "global": GlobalOptions(coverage=70)}


def test_the_first_run_writes_every_option_with_its_help(user_path: Path) -> None:
    assert load(None, SCHEMA) == DEFAULTS
    text = user_path.read_text(encoding="utf-8")
    assert text == render(SCHEMA)
    assert list(user_path.parent.iterdir()) == [user_path]
    user_path.write_text(text.replace("coverage = 68.75", "coverage = 75"), encoding="utf-8")
    assert load(None, SCHEMA)["global"] == GlobalOptions(coverage=75)


def test_every_start_says_which_file_is_read(
    user_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tell(None)
    assert caplog.messages == [], "it is yet to be written, and that is told"
    load(None, SCHEMA)
    tell(None)
    tell(write(tmp_path, ""))
    assert caplog.messages == [
        f"Wrote the default options to {user_path}",
        f"Options: {user_path}",
        f"Options: {write(tmp_path, '')}",
    ]


def test_a_home_that_cannot_be_written_is_no_error(
    user_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user_path.parent.parent.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert load(None, SCHEMA) == DEFAULTS
    (record,) = caplog.records
    assert str(user_path) in record.getMessage()


def test_a_file_that_is_not_there_says_how_to_get_one(user_path: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "absent.ini"
    hint = failure(wanted)
    assert hint.startswith(": there is no such file; run once without naming a file")
    assert str(user_path) in hint
    load(None, SCHEMA)
    assert failure(wanted) == f": there is no such file; copy {user_path} there and edit it"
    assert not wanted.exists()


def test_missing_options_and_sections_have_their_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
        ; a comment
        [global.loss]
          mask_type=None
        # another
        l2_reg_term =  50

        [model.plugin]
        note = a = b # no comment
        """,
    )
    expected = {
        **DEFAULTS,
        "global.loss": LossOptions(mask_type=None, l2_reg_term=50),
        "model.plugin": Plugin(note="a = b # no comment"),
    }
    assert load(path, SCHEMA) == expected
    assert load(write(tmp_path, ""), SCHEMA) == DEFAULTS


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_line_ends(tmp_path: Path, start: bytes, newline: bytes) -> None:
    lines = ["[model.plugin]", "note = caf\u00e9", "[global]", "coverage = 99"]
    path = write(tmp_path, start + newline.join(line.encode() for line in lines))
    loaded = load(path, SCHEMA)
    assert (loaded["model.plugin"], loaded["global"]) == (
        Plugin(note="caf\u00e9"),
        GlobalOptions(coverage=99),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[global]\n\ncoverage = 50",
            ", line 3: [global] coverage = '50': must be a number from 62.5 to 100",
        ),
        (
            "[global]\ncentering =",
            ", line 2: [global] centering = '': must be one of: face, head, legacy",
        ),
        (
            "[global]\r\nicnr_init = 1\r\n",
            ", line 2: [global] icnr_init = '1': must be True or False",
        ),
        (
            "[global]\nlearning_rate = none",
            ", line 2: [global] learning_rate = 'none': must be a number from 1e-06 to 0.1",
        ),
        (
            "[model.plugin]\nNOTES = a",
            ", line 2: [model.plugin] NOTES = 'a': no such option; did you mean note? "
            "(known: note, label, ratio, count)",
        ),
        (
            "[model.plugin]\nzzz = a",
            ", line 2: [model.plugin] zzz = 'a': no such option (known: note, label, ratio, count)",
        ),
        (
            "[glboal]\ncoverage = 80",
            ", line 1: [glboal]: no such section; did you mean global? "
            f"(known: {', '.join(SCHEMA)})",
        ),
        (
            "[global]\ncoverage = 80\ncoverage = 80",
            ", line 3: [global] coverage = '80': is already on line 2; keep one of the two",
        ),
        (
            "[global]\n[global.loss]\n[ global ]",
            ", line 3: [global]: is already on line 1; keep one of the two",
        ),
        ("coverage = 80", ", line 1: 'coverage = 80': an option must stand below its [section]"),
        (
            "[global]\ncoverage: 80",
            ", line 2: 'coverage: 80': must be a [section], an option (name = value) "
            "or a comment (# text)",
        ),
        (
            "[global",
            ", line 1: '[global': must be a [section], an option (name = value) "
            "or a comment (# text)",
        ),
        (
            "[global]\n= 5",
            ", line 2: '= 5': must be a [section], an option (name = value) or a comment (# text)",
        ),
        (
            "[global]\ncoverage = \x1b[31m" + "9" * 100_000,
            f", line 2: [global] coverage = '?[31m{'9' * 52}...': "
            "must be a number from 62.5 to 100",
        ),
        (b"[global]\ncoverage = \xff", ", line 2: not UTF-8 text; save it as UTF-8"),
        ("[global]\n".encode("utf-16"), ", line 1: not UTF-8 text; save it as UTF-8"),
        (b"#" * (2**20 + 1), " is larger than 1 MiB: this is no file of options"),
    ],
)
def test_a_fault_is_one_line_with_place_and_remedy(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert failure(write(tmp_path, text)) == message


def test_a_file_of_just_1_mib_is_read(tmp_path: Path) -> None:
    assert load(write(tmp_path, b"#" * 2**20), SCHEMA) == DEFAULTS


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert failure(tmp_path).startswith(" cannot be read: ")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, "[global]")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert failure(path) == " cannot be read: Permission denied"


def test_the_standard_library_reads_what_is_written() -> None:
    parser = ConfigParser(interpolation=None)
    parser.read_string(render(SCHEMA))
    assert parser.sections() == list(SCHEMA)
    for section, cls in SCHEMA.items():
        assert list(parser[section]) == [known.name for known in fields_of(cls)]
    assert float(parser["global"]["learning_rate"]) == 5e-5


def test_the_text_shows_help_range_and_default() -> None:
    lines = render({"model.plugin": Plugin, "model.undocumented": Undocumented}).splitlines()
    start = lines.index("[model.plugin]")
    assert lines[start:] == [
        "[model.plugin]",
        "# Options of a plugin.",
        "#",
        "# A second paragraph.",
        "",
        "# A note.",
        "# One line of text. Default: empty.",
        "note = ",
        "",
        "# A label.",
        "#",
        "# With a second paragraph.",
        "# One line of text, or none. Default: none.",
        "label = none",
        "",
        "# Any number.",
        "# A number. Default: 0.1.",
        "ratio = 0.1",
        "",
        "# Any whole number.",
        "# A whole number. Default: -1.",
        "count = -1",
        "",
        "[model.undocumented]",
        "",
        "# A flag.",
        "# True or False. Default: False.",
        "flag = False",
    ]
    assert "# A number from 1e-06 to 0.1. Default: 5e-05. May change on resume." in render(SCHEMA)
    assert max(len(line) for line in render(SCHEMA).splitlines()) <= 100


def values(known: Option) -> st.SearchStrategy[Any]:
    """Any value that an option takes."""
    if known.choices is not None:
        kind: st.SearchStrategy[Any] = st.sampled_from(known.choices)
    elif known.type is bool:
        kind = st.booleans()
    elif known.type is int:
        low, high = (None if end is None else int(end) for end in (known.minimum, known.maximum))
        kind = st.integers(low, high)
    elif known.type is float:
        kind = st.floats(known.minimum, known.maximum, allow_nan=False, allow_infinity=False)
    else:
        printable = st.characters(exclude_categories=["Z", "C"])
        words = st.lists(st.text(printable, min_size=1)).map(" ".join)
        kind = words.filter(lambda text: text.isprintable() and text.lower() != "none")
    return st.none() | kind if known.optional else kind


def instances(cls: type[Options]) -> st.SearchStrategy[Options]:
    return st.fixed_dictionaries(
        {}, optional={known.name: values(known) for known in fields_of(cls)}
    ).map(lambda chosen: replace(cls(), **chosen))


@settings(deadline=None, max_examples=60)
@given(st.fixed_dictionaries({}, optional={s: instances(cls) for s, cls in SCHEMA.items()}))
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, chosen: dict[str, Options]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.ini"
    path.write_text(render(SCHEMA, chosen), encoding="utf-8")
    assert load(path, SCHEMA) == {**DEFAULTS, **chosen}
