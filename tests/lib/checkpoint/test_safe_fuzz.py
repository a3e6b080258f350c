"""Files that are nearly model files: each is loaded or refused, and none does anything else.

They are loaded in a process of its own, because HDF5 is written in C.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import keras

CHILD = '''
import copy, io, json, random, resource, signal, sys, warnings, zipfile
from collections import Counter
from pathlib import Path

from lib.checkpoint.safe import load_safely
from lib.errors import FaceswapError

folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))
warnings.simplefilter("ignore")
with zipfile.ZipFile(folder / "whole.keras") as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
members["metadata.json"] = b"{}"  # but for the date, two good files are equal


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


whole = zipped(members)
ODD = [None, True, -1, 0, 1, 2**31, 2**63, 1e400, "", "relu", [], {}, [None, 3], "keras", "Lambda"]


def place(data, rng):
    """Where to change something: seldom in the long runs of zeros that HDF5 leaves."""
    at = rng.randrange(len(data) - 8)
    while not any(data[at : at + 8]) and rng.random() < 0.99:
        at = rng.randrange(len(data) - 8)
    return at


def flipped(data, rng):
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        data[place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def cut(data, rng):
    at, length = place(data, rng), rng.randrange(1, 200)
    return data[:at] + rng.choice([b"", data[:length], bytes(length)]) + data[at + length :]


def counted(data, rng):
    """With another number in the place of a byte, of two, four or eight."""
    size = rng.choice([1, 2, 4, 8])
    at, top = place(data, rng), 1 << 8 * size
    number = rng.choice([0, 1, top - 1, top // 2, rng.randrange(top), at])
    return data[:at] + (number % top).to_bytes(size, "little") + data[at + size :]


def places(value):
    """Every place in a configuration, as the container and the key."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def reworded(data, rng):
    config = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        found = list(places(config))
        if not found:
            break
        (holder, key), (other, theirs) = rng.choice(found), rng.choice(found)
        what = rng.random()
        if what < 0.3:
            del holder[key]
        elif what < 0.7:
            holder[key] = copy.deepcopy(rng.choice(ODD))
        else:
            holder[key] = copy.deepcopy(other[theirs])
    return json.dumps(config).encode()


def made(rng):
    """A file, and how it was made of a good one."""
    kind = rng.choice(["archive", "config", "text", "weights", "weights", "weights"])
    change = rng.choice([flipped, cut, counted])
    if kind == "archive":
        # Where the directory is, half of the time.
        at = rng.choice([0, len(whole) - 320])
        return whole[:at] + change(whole[at:], rng), kind
    name = "model.weights.h5" if kind == "weights" else "config.json"
    content = (reworded if kind == "config" else change)(members[name], rng)
    return zipped({**members, name: content}), kind


path, answers = folder / "mutant.keras", Counter()
try:
    for number in range(first, last):
        data, kind = made(random.Random(number))
        path.write_bytes(data)
        (folder / "at").write_text(str(number))
        signal.setitimer(signal.ITIMER_PROF, 10)
        try:
            load_safely(path)
            answers[kind, "loaded"] += 1
        except FaceswapError as error:
            assert str(error).isprintable(), number
            what = ["damaged", "harm", "rebuilt"]
            answers[kind, next(word for word in what if f" {word} (" in str(error))] += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
finally:
    print(json.dumps([[*key, count] for key, count in answers.items()]))
'''


def fuzz(folder: Path, first: int, last: int) -> tuple[Counter[tuple[str, str]], dict[int, str]]:
    """Load so many files; how they were answered, and those on which the process ended."""
    face = keras.Input((2,), name="face")
    layer = keras.layers.Dense(2, kernel_initializer="ones", name="dense")
    model = keras.Model(face, layer(face), name="tiny")
    model.compile(optimizer=keras.optimizers.SGD(momentum=0.9, name="sgd"), loss="mse")
    model.optimizer.build(model.trainable_variables)
    model.save(folder / "whole.keras")
    answers: Counter[tuple[str, str]] = Counter()
    ends: dict[int, str] = {}
    while first < last:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(first), str(last)],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            check=False,
            text=True,
        )
        if child.stdout:
            answers.update({(a, b): count for a, b, count in json.loads(child.stdout)})
        if child.returncode == 0:
            break
        first = int((folder / "at").read_text()) + 1
        ends[first - 1] = f"{child.returncode}: {child.stderr[-300:]}"
    return answers, ends


def check(folder: Path, first: int, last: int) -> None:
    answers, ends = fuzz(folder, first, last)
    assert not ends
    assert sum(answers.values()) == last - first
    for kind in ("archive", "config", "text", "weights"):
        assert answers[kind, "damaged"] > 0
    assert answers["weights", "loaded"] > 0
    assert answers["weights", "harm"] > 0
    assert answers["config", "harm"] > 0


def test_two_thousand_damaged_files_are_loaded_or_refused(tmp_path: Path) -> None:
    check(tmp_path, 0, 2000)
