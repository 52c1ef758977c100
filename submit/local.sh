#!/usr/bin/env bash
# Run one job on this machine, through spark-submit in local mode.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<END
usage: submit/local.sh JOB --conf conf/X.yaml [--set key.sub=value ...]

jobs:
$(list_jobs)

MMDIN_CORES (all by default) and MMDIN_MEMORY (4g) bound what Spark takes; MMDIN_SPARK_PROPERTIES
names a file of Spark's properties to take in place of conf/spark/local.conf.
Status: 0 done, 2 a mistake in options, configuration or data, 1 anything else.
END
}

require_job "$@"
job=$1
shift
require_venv
# spark-submit hands on what a Python application says on either stream as standard output.
quietly "$spark_submit" "${spark_options[@]}" "$project/spark_jobs/$job.py" "$@" | without "$tensorflow_lines"
