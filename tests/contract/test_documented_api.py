"""Every documented name can be imported from its documented path and has its documented shape."""

import importlib
import inspect

import pytest

CALLABLES = {
    "plugins.train.model._base:KerasModel": "inputs outputs name",
    "plugins.train.model._base:ModelBase": "model_dir arguments predict=False",
    "plugins.train.model._base:ModelBase.add_history": "self loss",
    "plugins.train.model._base:ModelBase.build": "self",
    "plugins.train.model._base:ModelBase.build_model": "self inputs",
    "plugins.train.model._base:ModelBase.save": "self",
    "plugins.train.model._base:ModelBase.snapshot": "self",
    "plugins.train.model._base:State": "model_dir model_name config_changeable_items no_logs",
    "plugins.train.model._base:State.add_session_batchsize": "self batch_size",
    "plugins.train.model._base:State.add_session_loss_names": "self loss_names",
    "plugins.train.model._base:State.increment_iterations": "self",
    "plugins.train.model.original:Model": "*args **kwargs",
    "plugins.train.model.original:Model.build_model": "self inputs",
    "plugins.train.model.original:Model.decoder": "self side",
    "plugins.train.model.original:Model.encoder": "self",
    "plugins.train.trainer._base:TrainerBase": "model images batch_size configfile",
    "plugins.train.trainer._base:TrainerBase.clear_tensorboard": "self",
    "plugins.train.trainer._base:TrainerBase.train_one_step": "self viewer timelapse_kwargs",
    "plugins.train.trainer.original:Trainer": "model images batch_size configfile",
    "scripts.train:Train": "arguments",
    "scripts.train:Train.process": "self",
    "scripts.train:Train._show": "self image name",
    "lib.model.nn_blocks:Conv2D": "*args padding='same' check_icnr_init=False **kwargs",
    "lib.model.nn_blocks:Conv2DOutput": (
        "filters kernel_size activation='sigmoid' padding='same' **kwargs"
    ),
    "lib.model.nn_blocks:Conv2DBlock": (
        "filters kernel_size=5 strides=2 padding='same' normalization=None "
        "activation='leakyrelu' use_depthwise=False **kwargs"
    ),
    "lib.model.nn_blocks:SeparableConv2DBlock": "filters kernel_size=5 strides=2 **kwargs",
    "lib.model.nn_blocks:UpscaleBlock": (
        "filters kernel_size=3 padding='same' scale_factor=2 normalization=None "
        "activation='leakyrelu' **kwargs"
    ),
    "lib.model.nn_blocks:Upscale2xBlock": (
        "filters kernel_size=3 padding='same' interpolation='bilinear' activation='leakyrelu' "
        "sr_ratio=0.5 scale_factor=2 fast=False **kwargs"
    ),
    "lib.model.nn_blocks:ResidualBlock": "filters kernel_size=3 padding='same' **kwargs",
    "lib.model.nn_blocks:PixelShuffler": "size **kwargs",
    "lib.model.nn_blocks:ReflectionPadding2D": "stride=2 kernel_size=5 **kwargs",
}
PROPERTIES = {
    "plugins.train.model._base:ModelBase": (
        "command_line_arguments config coverage_ratio iterations model model_dir name "
        "output_shapes state"
    ),
    "plugins.train.model._base:State": "current_session iterations loss_names session_id",
}
NAMES = [
    *CALLABLES,
    "lib.model.nn_blocks:DepthwiseConv2D",
    "lib.model.nn_blocks:UpscaleResizeImagesBlock",
    "lib.model.nn_blocks:InstanceNormalization",
    "lib.model.nn_blocks:ICNR",
    "lib.model.nn_blocks:ConvolutionAware",
]


def find(path: str) -> object:
    module, _, name = path.partition(":")
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    return found


def described(signature: inspect.Signature) -> str:
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    words = []
    for parameter in signature.parameters.values():
        name = marks.get(parameter.kind, "") + parameter.name
        has_default = parameter.default is not inspect.Parameter.empty
        words.append(f"{name}={parameter.default!r}" if has_default else name)
    return " ".join(words)


@pytest.mark.parametrize("path", NAMES)
def test_the_name_can_be_imported_and_is_explained(path: str) -> None:
    assert inspect.getdoc(find(path))


@pytest.mark.parametrize("path", CALLABLES)
def test_the_signature_is_the_documented_one(path: str) -> None:
    assert described(inspect.signature(find(path))) == CALLABLES[path]


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, names in PROPERTIES.items() for name in names.split()]
)
def test_the_property_is_there_and_explained(path: str, name: str) -> None:
    member = getattr(find(path), name)
    assert inspect.getdoc(member)


def test_the_bases_are_the_documented_ones() -> None:
    base = find("plugins.train.model._base:ModelBase")
    assert issubclass(find("plugins.train.model.original:Model"), base)
    trainer = find("plugins.train.trainer._base:TrainerBase")
    assert issubclass(find("plugins.train.trainer.original:Trainer"), trainer)
