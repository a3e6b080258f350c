"""The blocks of `lib.model.nn_blocks`, by kind."""
