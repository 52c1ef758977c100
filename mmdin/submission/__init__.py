"""From a job and a cluster's file to the spark-submit commands that run it there.

`python -m mmdin.submission` is what submit/standalone.sh, yarn.sh and kubernetes.sh start.
"""
