"""``faceswap plugins``: which models there are, and whether a user's own keeps its promises."""

import shlex
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from plugins import loader
from plugins.contract import check_plugin
from scripts.command import Command


class Plugins(Command):
    """The plugins command."""

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        if arguments.check and not arguments.file:
            raise FaceswapError("plugins check needs a file: faceswap plugins check my_model.py")

    def process(self) -> None:
        """List the models, or check one.

        Raises
        ------
        FaceswapError
            The file is missing, or the plugin breaks a promise.
        """
        # What a model on trial tells of its saves is nothing to the user.
        level = "WARNING" if self._args.loglevel == "INFO" else self._args.loglevel
        self.log(level=level)
        if self._args.check:
            self._check(Path(self._args.file))
        else:
            self._list()

    def _list(self) -> None:
        files, ours = loader.model_files(self._args.plugin_dir), Path(loader.__file__).parent
        print(f"{'Model':<12} {'input':<10} {'output':<10} {'parameters':>12}  file")
        for name, path in sorted(files.items()):
            file = "built in" if path.is_relative_to(ours) else path
            print(f"{name:<12} {self._described(name)}  {file}")
        print(f"Trainers: {', '.join(loader.trainer_names())}")

    def _described(self, name: str) -> str:
        """Sizes and parameters of a model, or why there are none."""
        try:
            model = self._built(name)
        # Whatever a user's file does, the others are listed.
        except (Exception, SystemExit) as error:
            why = " ".join(str(error).split())
            return f"can't be used: {why};"
        inputs = [tensor.shape[1] for tensor in model.model.inputs]
        outputs = [max(shape[0] for shape in side if shape[2] == 3) for side in model.output_shapes]
        count = model.model.count_params()
        return f"{_sizes(inputs):<10} {_sizes(outputs):<10} {count:>12,}"

    def _built(self, name: str) -> Any:
        plugin = loader.load_model(name, self._args.plugin_dir)
        with tempfile.TemporaryDirectory() as folder:
            model = plugin(str(Path(folder) / name), self._args)
            model.build()
        return model

    def _check(self, path: Path) -> None:
        if not path.is_file() or path.suffix != ".py":
            raise FaceswapError(
                f"'{path}' {'is no Python file' if path.exists() else 'does not exist'}: name the "
                "file of your model plugin"
            )
        name, is_ours = path.stem.lower(), path.resolve() in loader.model_files().values()
        for finding in check_plugin(name, None if is_ours else str(path.parent)):
            print(f"{'FAILED' if finding.problem else 'ok':<7} {finding.promise}", flush=True)
            if finding.problem:
                raise FaceswapError(f"'{path}' breaks a promise: {finding.problem}")
        where = "" if is_ours else f"--plugin-dir {shlex.quote(str(path.parent))} "
        train = f"faceswap train -t {shlex.quote(name)} {where}..."
        print(f"'{name}' keeps every promise. Train it: {train}")


def _sizes(edges: list[int]) -> str:
    """Edges of both sides, once where they are equal."""
    return " / ".join(f"{edge} px" for edge in dict.fromkeys(edges))
