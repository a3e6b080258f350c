"""The engine: faces, models, losses, training. Knows no plugin and no command line.

Keras reads its backend once, at its first import. Every module of ours that imports Keras lies in
or above this package, so the choice is made here, whatever the user's ``keras.json`` says.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
