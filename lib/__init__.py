"""The engine: faces, models, losses, training. Knows no plugin and no command line.

Keras reads its backend once, at its first import. Every module of ours that imports Keras lies in
or above this package, so the choice is made here, whatever the user's ``keras.json`` says.
"""

import os
import sys
from importlib.abc import MetaPathFinder

os.environ["KERAS_BACKEND"] = "torch"


class _KerasWithoutPlots(MetaPathFinder):
    """Keras, while it is imported, finds no matplotlib, which it does without but waits long for.

    It wants it for galleries that nothing here draws: a tenth of the time to the first iteration.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Refuse matplotlib to Keras; leave all else to the finders that follow."""
        keras = sys.modules.get("keras")
        is_importing = getattr(getattr(keras, "__spec__", None), "_initializing", False)
        if fullname == "matplotlib" and is_importing:
            raise ModuleNotFoundError("Keras is imported without plots", name=fullname)


sys.meta_path.insert(0, _KerasWithoutPlots())
