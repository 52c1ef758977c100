"""Training on Horovod ranks, in two wings.

`driver` plans runs, starts ranks and records results. `rank` trains a network on one rank and is
the only part that loads TensorFlow. The modules of this folder are the contract between the two:
`assignment` (what is sent and returned), `state` (what a stopped run is resumed from) and `ranks`
(processes and the communication between them).
"""
