"""From a job and a cluster's file to the spark-submit commands that run it there.

`python -m mmdin.submission` is what the launchers in submit/ start. The command mmdin of an
installed package is in `command`.
"""
