"""Files that ask for more memory or time than they hold.

Each is loaded in a process of its own, whose memory and time are limited: where a check is missing,
that process dies and the machine does not.
"""

import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import pytest

from lib.checkpoint.archive import UnsafeError
from lib.checkpoint.budget import limited

MEMORY = 5 << 30
SECONDS = 100

CHILD = """
import json, resource, sys, time
from pathlib import Path
from lib.checkpoint.safe import load_safely
from lib.errors import FaceswapError
from lib.model import layers

for path in sys.argv[1:]:
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        load_safely(Path(path))
        line = "loaded"
    except FaceswapError as error:
        line = str(error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([line, time.process_time() - start, grown / 1024]), flush=True)
"""

Config = dict[str, Any]
KNOWN, ANY = (None, 4, 4, 3), (None, None, None, 3)


def a_layer(module: str, class_name: str, source: str | None, name: str, **config: Any) -> Config:
    """The configuration of a layer that is called on another, `source`."""
    registered = f"faceswap>{class_name}" if module.startswith("lib.") else None
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": registered,
        "name": name,
        "inbound_nodes": [a_call(source)] if source else [],
    }


def a_call(source: str) -> Config:
    tensor = {"shape": [None, 4, 4, 3], "dtype": "float32", "keras_history": [source, 0, 0]}
    return {"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}


def a_model(layers: list[Config], name: str = "m", shape: Any = KNOWN) -> Config:
    first = a_layer("keras.layers", "InputLayer", None, "in", batch_shape=shape)
    last = layers[-1]["name"]
    found = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": name,
            "layers": [first, *layers],
            "input_layers": [["in", 0, 0]],
            "output_layers": [[last, 0, 0]],
        },
        "registered_name": None,
        "name": name,
    }
    return found


def relu(name: str, source: str | None) -> Config:
    return a_layer("keras.layers", "ReLU", source, name)


def one(class_name: str, module: str = "keras.layers", **config: Any) -> Config:
    return a_model([a_layer(module, class_name, "in", "l", **config)])


def doubled(levels: int) -> Config:
    """A model that calls a smaller one twice, which calls a smaller one twice, and so on.

    Keras goes through a model again for each call with another shape than its own.
    """
    inner = a_model([relu("l", "in")], shape=ANY)
    for level in range(levels):
        inner["inbound_nodes"] = [a_call("in"), a_call("m")]
        inner = a_model([inner], shape=ANY if level < levels - 1 else KNOWN)
    return inner


def doubled_by_number(levels: int) -> Config:
    """The same, with all but the first said by the number of an object that is there already."""
    layers = [a_model([relu("l", "in")], "m0", ANY) | {"shared_object_id": 0}]
    for level in range(1, levels):
        inner = relu("x", None) | {"shared_object_id": level - 1, "name": f"m{level - 1}"}
        inner["inbound_nodes"] = [a_call("in"), a_call(f"m{level - 1}")]
        layers.append(a_model([inner], f"m{level}", ANY) | {"shared_object_id": level})
    for outer in layers:
        outer["inbound_nodes"] = [a_call("in")]
    return a_model(layers)


def chain(count: int) -> list[Config]:
    return [relu(f"l{n}", f"l{n - 1}" if n else "in") for n in range(count)]


def backwards(count: int) -> Config:
    """A chain that is written from its end, of which Keras finds one layer each time."""
    found = a_model(chain(count))
    layers = found["config"]["layers"]
    layers[1:] = layers[:0:-1]
    return found


def sequential(count: int) -> Config:
    """A chain that Keras builds anew with each layer."""
    layers = [a_layer("keras.layers", "InputLayer", None, "in", batch_shape=(None, 4))]
    layers += [relu(f"l{n}", None) for n in range(count)]
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": layers},
        "registered_name": None,
    }


def deep(count: int) -> Config:
    found = one("ReLU")
    for _ in range(count):
        found = {"class_name": "__slice__", "config": found}
    return found


CONV_AWARE = {
    "module": "lib.model.initializers",
    "class_name": "ConvolutionAware",
    "config": {},
    "registered_name": "faceswap>ConvolutionAware",
}
LARGE = {
    "a million times a million": (
        lambda: a_model(
            [
                a_layer("keras.layers", "Dense", "in", "l", units=10**6),
                a_layer("keras.layers", "Dense", "l", "k", units=10**6),
            ]
        ),
        "a weight of (1000000, 1000000), more than the file holds",
    ),
    "many filters": (
        lambda: one(
            "Conv2D",
            "lib.model.layers",
            filters=10**7,
            kernel_size=[3, 3],
            kernel_initializer=CONV_AWARE,
        ),
        "a weight of (3, 3, 3, 10000000), more than the file holds",
    ),
    "a large kernel": (
        lambda: one("Conv2D", filters=1, kernel_size=[10**5, 10**5], padding="same"),
        "a weight of (100000, 100000, 3, 1), more than the file holds",
    ),
    "many weights in all": (
        lambda: a_model(
            [
                a_layer("keras.layers", "Embedding", "in", f"l{n}", input_dim=2**20, output_dim=3)
                for n in range(99)
            ]
        ),
        "a weight of (1048576, 3), more than the file holds",
    ),
    "large pictures": (
        lambda: a_model([relu("l", "in")], shape=(None, 10**9, 10**9, 3)),
        "pictures of [None, 1000000000, 1000000000, 3]",
    ),
    "large upscaling": (
        lambda: one("UpSampling2D", size=[10**6, 10**6]),
        "pictures of (None, 4000000, 4000000, 3)",
    ),
    "an endless shape": (
        lambda: a_model([relu("l", "in")], shape=[10**300] * 9999),
        "pictures of [1000000",
    ),
    "many layers": (lambda: a_model(chain(10**4 + 1)), "takes more than 10000 steps to build"),
    "more layers than a file may name": (lambda: a_model(chain(30_000)), "more than 8388608"),
    "a model that doubles": (lambda: doubled(13), "takes more than 10000 steps to build"),
    "a model that doubles by number": (lambda: doubled_by_number(30), "stands for another object"),
    "a model written backwards": (lambda: backwards(101), "takes more than 10000 steps to build"),
    "a model built anew with each layer": (
        lambda: sequential(101),
        "takes more than 10000 steps to build",
    ),
    "deep nesting": (lambda: deep(200), "nested more than 96 deep"),
}


@pytest.fixture(scope="module")
def loads(
    saved_members: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, float, float]]:
    """For each file what it was answered with, seconds of CPU, and MiB that it took more."""
    folder = tmp_path_factory.mktemp("large")
    paths = []
    for number, (make, _) in enumerate(LARGE.values()):
        paths.append(folder / f"{number}.keras")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            for name, content in saved_members.items():
                is_config = name == "config.json"
                archive.writestr(name, json.dumps(make()) if is_config else content)
    answers: dict[str, tuple[str, float, float]] = {}
    while len(answers) < len(LARGE):
        names = list(LARGE)[len(answers) :]
        lines = _run(paths[len(answers) :])
        answers |= {name: tuple(json.loads(line)) for name, line in zip(names, lines, strict=False)}
        if len(lines) < len(names):
            answers[names[len(lines)]] = ("died", 0.0, 0.0)
    return answers


def _run(paths: list[Path]) -> list[str]:
    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    child = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        preexec_fn=limits,
        check=False,
        text=True,
    )
    return child.stdout.splitlines()


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_is_refused_before_it_takes_anything(loads, name: str) -> None:
    line, seconds, grown = loads[name]
    assert "not one that this program writes, and may do harm (" in line
    assert LARGE[name][1] in line
    assert seconds < 5
    assert grown < 400


def test_weights_within_the_bound_are_made_and_all_beyond_it_refused() -> None:
    with limited(20):
        keras.Variable("ones", shape=(4, 5))
        keras.Variable([1.0] * 99)
    with pytest.raises(UnsafeError, match=r"a weight of \(1,\), more"), limited(20):
        [keras.Variable("ones", shape=shape) for shape in ((4, 5), (1,))]
    with pytest.raises(ZeroDivisionError), limited(1):
        keras.Variable("ones", shape=(1,)), 1 / 0
    keras.Variable("ones", shape=(100,))


def test_a_refusal_that_is_caught_on_the_way_is_still_one() -> None:
    made: list[Any] = []

    def swallow(make: Callable[[], Any]) -> None:
        with suppress(UnsafeError):
            made.append(make())

    with pytest.raises(UnsafeError, match="a weight of 21, more"), limited(20):
        swallow(lambda: keras.Variable("ones", shape=21))
    with pytest.raises(UnsafeError, match=r"pictures of \(None, 20000, 20000\)"), limited(20):
        [swallow(lambda: keras.Input((20000, 20000))), int("something else")]
    assert not made
