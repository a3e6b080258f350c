"""Network blocks, layers, initialisers, losses, and what compiles and runs a model.

Pictures are ``(batch, height, width, channels)`` of float32 throughout, whatever the user's
``keras.json`` says.
"""

import keras

keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
