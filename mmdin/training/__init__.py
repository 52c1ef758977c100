"""Training on Horovod ranks."""
