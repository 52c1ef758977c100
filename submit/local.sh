#!/usr/bin/env bash
# Run one job on this machine, through spark-submit in local mode.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

list_jobs() {
    local file
    for file in "$project"/spark_jobs/[a-z]*.py; do
        printf '  %-18s %s\n' "$(basename "$file" .py)" "$(sed -n '1s/^"""\([a-z_]*: \)\{0,1\}\([^"]*\).*/\2/p' "$file")"
    done
}

usage() {
    cat <<END
usage: submit/local.sh JOB --conf conf/X.yaml [--set key.sub=value ...]

jobs:
$(list_jobs)

MMDIN_CORES (all by default) and MMDIN_MEMORY (4g) bound what Spark takes.
Status: 0 done, 2 a mistake in options, configuration or data, 1 anything else.
END
}

job=${1:-}
case $job in
    -h | --help) usage && exit 0 ;;
    "") usage >&2 && exit 2 ;;
esac
shift
if [ ! -f "$project/spark_jobs/$job.py" ]; then
    usage >&2
    mapfile -t names < <(list_jobs | awk '{print $1}')
    nearest=$("${PYTHON:-python3}" -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0))' \
        "$job" "${names[@]}" 2>/dev/null || true)
    die "there is no job $job${nearest:+; did you mean $nearest?}"
fi
need_venv
# spark-submit hands on what a Python application says on either stream as standard output.
quietly "$spark_submit" "${spark_options[@]}" "$project/spark_jobs/$job.py" "$@" | without "$tensorflow_lines"
