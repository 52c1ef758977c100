"""Training on Horovod ranks: `driver` starts and records runs, `rank` trains them.

Both share the modules of this folder and load no TensorFlow through them.
"""
