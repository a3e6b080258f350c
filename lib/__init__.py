"""The engine: faces, models, losses, training. Knows no plugin and no command line.

Keras reads its backend once, at its first import. Every module of ours that imports Keras lies in
or above this package, so the choice is made here, whatever the user's ``keras.json`` says.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"


class _KerasWithoutPlots:
    """Keeps matplotlib from the two modules of Keras that import it where they find it.

    It takes a tenth of the time to the first iteration, for galleries that nothing here draws;
    ``keras.visualization`` draws none in a process of ours. Where Keras names them otherwise, or
    Python notes otherwise that a module is being imported, it merely comes in again.
    """

    _ASKING = "plot_image_gallery", "plot_bounding_box_gallery"

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Refuse matplotlib to these; leave all else to the finders that follow."""
        if fullname == "matplotlib" and any(map(_is_being_imported, self._ASKING)):
            raise ModuleNotFoundError("Keras is imported without plots", name=fullname)


def _is_being_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(f"keras.src.visualization.{name}"), "__spec__", None)
    return getattr(spec, "_initializing", False)


sys.meta_path.insert(0, _KerasWithoutPlots())
