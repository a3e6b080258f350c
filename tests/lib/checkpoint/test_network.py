"""Configurations that name more than a network."""

from collections.abc import Callable
from typing import Any

import keras
import pytest

from lib.errors import FaceswapError

Edit = Callable[[dict[str, Any]], None]


def layer(config: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in config["config"]["layers"] if one["name"] == name)
    return found


def as_layer(module: str, class_name: str, /, **config: Any) -> Edit:
    """Put another layer in the place of the last one."""

    def edit(model: dict[str, Any]) -> None:
        layer(model, "out").update(
            module=module, class_name=class_name, registered_name=None, config=config
        )

    return edit


def as_activation(value: Any) -> Edit:
    def edit(model: dict[str, Any]) -> None:
        layer(model, "conv")["config"]["activation"] = value

    return edit


def in_compiling(key: str, value: Any) -> Edit:
    return lambda model: model["compile_config"].update({key: value})


def an_object(module: str, class_name: str, /, **config: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }


def a_function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def code() -> dict[str, Any]:
    """A function that would leave a file behind, as Keras stores one."""
    function = eval("lambda x: [open('marker', 'w').close(), x][1]")
    stored = keras.src.utils.python_utils.func_dump(function)
    return {"class_name": "__lambda__", "config": {"value": stored}}


def called_on(*args: Any) -> Edit:
    def edit(model: dict[str, Any]) -> None:
        layer(model, "out")["inbound_nodes"] = [{"args": list(args), "kwargs": {}}]

    return edit


def without_module(model: dict[str, Any]) -> None:
    del layer(model, "shuffle")["module"]
    layer(model, "shuffle")["registered_name"] = None


LAMBDA = an_object("keras.layers", "Lambda", name="sly", function=code())
HARM = {
    "Lambda": (as_layer("keras.layers", "Lambda", function=code()), "'out' is a Lambda"),
    "Lambda by its own module": (
        as_layer("keras.src.layers.core.lambda_layer", "Lambda", function=code()),
        "'out' is a Lambda",
    ),
    "Lambda within a layer": (
        as_layer("keras.layers", "TimeDistributed", layer=LAMBDA),
        "layer 'sly' is a Lambda",
    ),
    "Lambda in a build_config": (
        lambda model: layer(model, "conv").update(build_config={"input_shape": LAMBDA}),
        "'sly' is a Lambda",
    ),
    "Lambda in compiling": (in_compiling("loss", [LAMBDA]), "'sly' is a Lambda"),
    "code as activation": (as_activation(code()), "layer 'conv' carries code"),
    "code in an initialiser": (
        lambda model: layer(model, "conv")["config"]["kernel_initializer"].update(config=code()),
        "layer 'conv' carries code",
    ),
    "a pickled module": (
        as_layer("keras.src.utils.torch_utils", "TorchModuleWrapper", module="gASV"),
        "'out' is a TorchModuleWrapper",
    ),
    "a pickled module by its public name": (
        as_layer("keras.layers", "TorchModuleWrapper", module="gASV"),
        "'out' is a TorchModuleWrapper",
    ),
    "a saved model of TensorFlow": (
        as_layer("keras.layers", "TFSMLayer", filepath="/etc"),
        "'out' is a TFSMLayer",
    ),
    "a file of words": (
        as_layer("keras.layers", "StringLookup", vocabulary="/etc/passwd"),
        "'out' is a StringLookup",
    ),
    "a file of more words": (
        as_layer("keras.layers", "TextVectorization", vocabulary="/etc/passwd"),
        "'out' is a TextVectorization",
    ),
    "a layer of JAX": (as_layer("keras.layers", "JaxLayer", call_fn=code()), "is a JaxLayer"),
    "a loop": (
        as_layer("keras.src.ops.core", "ForiLoop", lower=0, upper=10**12, body_fun=None),
        "'out' is a ForiLoop",
    ),
    "a model that is no network": (as_layer("keras", "Model"), "'out' is a Model"),
    "a callback": (as_layer("keras.callbacks", "CSVLogger", filename="x"), "is a CSVLogger"),
    "a metric of 10**9 thresholds": (
        in_compiling("metrics", [an_object("keras.metrics", "AUC", num_thresholds=10**9)]),
        "layer 'small' is a AUC",
    ),
    "a function of the network": (
        as_activation(a_function("keras.utils", "get_file")),
        "layer 'conv' calls keras.utils.get_file",
    ),
    "a function of files": (
        as_activation(a_function("keras.preprocessing.image", "load_img")),
        "layer 'conv' calls keras.preprocessing.image.load_img",
    ),
    "a function of models": (
        as_activation(a_function("keras.applications", "VGG16")),
        "layer 'conv' calls keras.applications.VGG16",
    ),
    "a function without name": (
        as_activation({**a_function("builtins", "relu"), "config": [1]}),
        "layer 'conv' calls no function",
    ),
    "a class that is a function": (
        as_layer("keras.utils", "get_file", fname="x", origin="http://localhost:1"),
        "'out' is keras.utils.get_file, which is no class",
    ),
    "a class that is a module": (as_layer("keras", "layers"), "keras.layers, which is no class"),
    "a class that is none": (
        as_layer("keras.nowhere", "It"),
        "keras.nowhere.It, which is no class",
    ),
    "a class by path": (as_layer("keras", "layers.Lambda"), "which is no class"),
    "an old form": (without_module, "'shuffle' is written as Keras wrote it before version 3"),
    "a call on numbers": (called_on([[1.0]]), "'out' is called on nothing"),
    "a call of the old form": (
        lambda model: layer(model, "out").update(inbound_nodes=[[["shuffle", 0, 0, {}]]]),
        "'out' is called on nothing",
    ),
    "calls that are no list": (
        lambda model: layer(model, "out").update(inbound_nodes={"a": 1}),
        "'out' has no list of calls",
    ),
    "an array of long strings": (
        as_activation({"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "S999999"}}),
        "'conv' holds an array of no numbers",
    ),
    "an array of objects": (
        as_activation({"class_name": "__tensor__", "config": {"value": [1], "dtype": "object"}}),
        "'conv' holds an array of no numbers",
    ),
    "a class without a name": (as_activation({"class_name": 5, "config": {}}), "'conv' is of no"),
    "a type of TensorFlow": (
        as_activation({"class_name": "__typespec__", "config": [], "module": "keras"}),
        "which is no class",
    ),
}


@pytest.mark.parametrize(("edit", "why"), HARM.values(), ids=HARM.keys())
def test_a_configuration_that_may_do_harm_is_refused(
    forge, edit: Edit, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(forge.path.parent)
    forge.edit(edit)
    line = forge.refusal()
    assert "not one that this program writes, and may do harm (" in line
    assert why in line
    assert [one.name for one in forge.path.parent.iterdir()] == ["small.keras"]


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (as_layer("os", "system", command="touch marker"), "class 'system'"),
        (as_layer("subprocess", "Popen", args=["touch", "marker"]), "class 'Popen'"),
        (as_layer("lib.model.layers", "Mine"), "class 'Mine'"),
        (as_activation(a_function("os", "remove")), "function 'remove'"),
    ],
)
def test_what_is_not_registered_is_not_made(
    forge, edit: Edit, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(forge.path.parent)
    forge.edit(edit)
    assert f"can't be rebuilt (Could not locate {what})" in forge.refusal(FaceswapError)
    assert [one.name for one in forge.path.parent.iterdir()] == ["small.keras"]


def test_text_of_a_file_does_not_break_out_of_the_line(forge) -> None:
    def lambda_with_a_name(config: dict[str, Any]) -> None:
        as_layer("keras.layers", "Lambda")(config)
        layer(config, "out")["name"] = "\x1b[31mred\nand another line\u202e" * 99

    forge.edit(lambda_with_a_name)
    assert r"'\x1b[31mred\nand" in forge.refusal()
    unknown = "\x1b[31mred\nand another line\u202e"
    forge.edit(in_compiling("optimizer", unknown))
    assert "?[31mred)" in forge.refusal()
