"""One run at a time."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lib.errors import FaceswapError
from lib.hold import Hold
from lib.media.source import open_source
from plugins.convert.writer import gif, pictures, video
from tests.fixtures import clips

HOLDER = """
import sys, time
from pathlib import Path
from lib.hold import Hold
hold = Hold(Path(sys.argv[1]), Path("out"))
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_holder_stands_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "out.parts"
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        refused = rf"'out' is being written by process {process.pid} on '.*' since .*: wait for"
        with pytest.raises(FaceswapError, match=refused):
            Hold(folder, Path("out"))
        process.kill()
    assert folder.exists()
    Hold(folder, Path("out")).release()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("writer", "name"), [(pictures, "out"), (video, "out.mp4"), (gif, "out.gif")]
)
def test_of_two_runs_the_second_is_refused_and_disturbs_nothing(
    tmp_path: Path, writer: Any, name: str
) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 3))
    with writer.Writer(tmp_path / name, source) as first:
        frames = list(source.frames())
        first.write(frames[0])
        for resume in (False, True):
            with pytest.raises(FaceswapError, match=rf"{name}' is being written by process"):
                writer.Writer(tmp_path / name, source, resume=resume)
        for frame in frames[1:]:
            first.write(frame)
        first.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.mp4", name])
    assert not list(tmp_path.glob("*/.*"))
