#!/usr/bin/env bash
# Run one job on this machine, through spark-submit in local mode.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"

usage() {
    cat <<END
usage: $launcher JOB --conf conf/X.yaml [--set key.sub=value ...]

jobs:
$(list_jobs)

MMDIN_CORES (all by default) and MMDIN_MEMORY (4g) bound what Spark takes; MMDIN_SPARK_PROPERTIES
names a file of Spark's properties to take in place of conf/spark/local.conf.
Status: 0 done, 2 a mistake in options, configuration or data, 1 anything else.
END
}

require_job "$@"
[ "$1" != sql ] || exec "$project/submit/sql.sh" "${@:2}"
stay_here
launch local "${spark_options[@]/#/--spark=}" "$@"
