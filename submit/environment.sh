# shellcheck shell=bash
# Sourced by the launchers: where the project is, and how Spark is started on this machine.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python="$project/.venv/bin/python"
spark_submit="$project/.venv/bin/spark-submit"

die() {
    echo "$(basename "$0"): $1" >&2
    exit 2
}

require_venv() {
    [ -x "$spark_submit" ] || die "there is no environment yet: run 'make setup' in $project"
}

list_jobs() {
    local file
    for file in "$project"/spark_jobs/[a-z]*.py; do
        printf '  %-18s %s\n' "$(basename "$file" .py)" "$(sed -n '1s/^"""\([a-z_]*: \)\{0,1\}\([^"]*\).*/\2/p' "$file")"
    done
}

require_job() { # a launcher's first argument; the launcher defines usage
    local names nearest
    case ${1:-} in
        -h | --help) usage && exit 0 ;;
        "") usage >&2 && exit 2 ;;
    esac
    [ ! -f "$project/spark_jobs/$1.py" ] || return 0
    usage >&2
    mapfile -t names < <(list_jobs | awk '{print $1}')
    nearest=$("${PYTHON:-python3}" -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0))' \
        "$1" "${names[@]}" 2>/dev/null || true)
    die "there is no job $1${nearest:+; did you mean $nearest?}"
}

# Spark's driver and executors run this Python, and with it Horovod and TensorFlow.
export PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python"
# The jobs' own lines are what a console is for.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}" PYTHONWARNINGS="${PYTHONWARNINGS:-ignore}"
export PYTHONUNBUFFERED=1
unset SPARK_HOME # another Spark's jars do not fit this one

cores=${MMDIN_CORES:-$(nproc)}
[ "$cores" -ge 2 ] || cores=2 # two Horovod ranks run as two tasks at once
scratch=${TMPDIR:-/tmp}
driver_java_options="-Dlog4j2.configurationFile=file:$project/conf/spark/log4j2.properties -Dderby.system.home=$scratch"
# Set-up archives Spark's classes, which JVMs then map instead of parsing jars. A JVM that cannot use
# the archive goes without.
class_archive="$project/.venv/spark.jsa"
[ ! -f "$class_archive" ] || driver_java_options+=" -XX:SharedArchiveFile=$class_archive -Xlog:cds=off -Xlog:cds+dynamic=off"
# shellcheck disable=SC2034  # launchers use it
spark_options=(
    --master "local[$cores]"
    --properties-file "${MMDIN_SPARK_PROPERTIES:-$project/conf/spark/local.conf}"
    --driver-memory "${MMDIN_MEMORY:-4g}"
    # Spark would put both into the folder it is started in.
    --conf "spark.sql.warehouse.dir=$scratch/mmdin-warehouse"
    --driver-java-options "$driver_java_options"
)

# What no log setting quiets: Ivy and the JVM on every start, and TensorFlow before it reads its own.
ivy_lines=$'^(::|\t([^a.]|a[^t])|Ivy Default Cache|The jars for the packages|[^ ]+ added as a dependency$)'
jvm_lines='^(downloading |WARNING: Using incubator modules|Using Spark.s default log4j|$)'
tensorflow_lines='^(WARNING: All log messages before absl|[EI]0000 [0-9]|WARNING:tensorflow:|To enable the following instructions: )'

without() { # patterns; Ctrl-C is for the job, whose last words must still come through
    (trap '' INT; grep --line-buffered -vE "$1" || true)
}

quietly() { # a command, whose standard error is filtered and whose status this ends with
    { "$@" 2>&1 >&3 3>&- | without "$ivy_lines|$jvm_lines|$tensorflow_lines" >&2; } 3>&1
}

submit_to() { # kind of cluster, what the user needs beside the archive, and the launcher's arguments
    local kind=$1 needs=$2
    shift 2
    usage() {
        cat <<END
usage: submit/$kind.sh JOB --conf conf/X.yaml [--set key.sub=value ...]
           [--cluster FILE] [--master URL] [--environment ARCHIVE] [--dry-run]

jobs:
$(list_jobs)

--cluster      the cluster, and what jobs take of it (conf/cluster/$kind.yaml)
--master       Spark's URL of the cluster, for that file's
--environment  what submit/package_env.sh packed, a path or URL (build/environment.tar.gz)
--dry-run      print the spark-submit commands and run nothing
$needs
Status: 0 done, 2 a mistake in options, configuration or data, 1 anything else.
END
    }
    require_job "$@"
    require_venv
    quietly "$python" -m mmdin.submission "$kind" --driver-java-options="$driver_java_options" "$@" |
        without "$tensorflow_lines"
}
