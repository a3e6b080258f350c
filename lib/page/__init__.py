"""A web page of a run, to watch and to steer it: a process of its own that reads the run's files.

`layout` and what it puts together need the packages of the extra ``web``; nothing here imports
torch or Keras.
"""
