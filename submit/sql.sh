#!/usr/bin/env bash
# Spark SQL over the tables of a run by their plain names, such as predictions and metrics.
#   submit/sql.sh "SELECT * FROM metrics"          prints the result; of several, with ; between them, each
#   submit/sql.sh                                  opens a prompt
#   submit/sql.sh --root build/movielens ...       tables under that root, not those written last in build/
#   submit/sql.sh --run RUN_ID ...             tables in the versions that a run read; run_inputs names them
#   submit/sql.sh --write "DELETE FROM ..."        changes tables; without --write, statements only read
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"
require_venv
require_java
stay_here
# spark-submit gives a Python application no keyboard. So Python comes first and starts
# spark-submit itself, as bin/pyspark does.
PYSPARK_SUBMIT_ARGS="$(printf '%q ' "${spark_options[@]}")pyspark-shell"
export PYSPARK_SUBMIT_ARGS
quietly "$python" "$jobs/sql.py" "$@"
