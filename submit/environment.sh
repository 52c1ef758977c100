# shellcheck shell=bash
# Sourced by the launchers: where the project is, and how Spark is started on this machine.

set +o posix # `sh submit/local.sh` can be Bash in another mode
unset CDPATH # with it, cd prints where it went, and can go elsewhere
project=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
python="$project/.venv/bin/python"
spark_submit="$project/.venv/bin/spark-submit"
jobs="$project/spark_jobs"
launcher="submit/$(basename "$0")"
# An installed package has its Python elsewhere: the command mmdin, which starts these scripts, names it.
if [ "${project%/mmdin/_project}" != "$project" ]; then
    python=${MMDIN_PYTHON:?start the command mmdin, which sets it}
    spark_submit=${MMDIN_SPARK_SUBMIT:?start the command mmdin, which sets it}
    jobs="${project%/mmdin/_project}/spark_jobs"
    launcher=mmdin
fi

warn() {
    echo "$(basename "$0"): $1" >&2
}

die() {
    warn "$1"
    exit 2
}

# shellcheck source=submit/user_environment.sh
source "$project/submit/user_environment.sh"

require_venv() {
    [ -x "$spark_submit" ] || die "there is no environment yet: run 'make setup' in $project"
}

list_jobs() {
    local file
    for file in "$jobs"/[a-z]*.py; do
        printf '  %-18s %s\n' "$(basename "$file" .py)" "$(sed -n '1s/^"""\([a-z_]*: \)\{0,1\}\([^"]*\).*/\2/p' "$file")"
    done
}

require_job() { # a launcher's first argument; the launcher defines usage
    local names nearest
    case ${1:-} in
        -h | --help) usage && exit 0 ;;
        "") usage >&2 && exit 2 ;;
    esac
    [[ ! $1 =~ ^[a-z][a-z0-9_]*$ || ! -f $jobs/$1.py ]] || return 0
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
# spark-submit would look for it by a Python script, which fails if there is a blank in the path.
spark_homes=("$project"/.venv/lib/python3.*/site-packages/pyspark)
[ "$launcher" != mmdin ] || spark_homes=("${spark_submit%/bin/spark-submit}")
[ ! -d "${spark_homes[0]}" ] || export SPARK_HOME="${spark_homes[0]}"

check_settings() {
    local memory=${MMDIN_MEMORY:-4g} properties=${MMDIN_SPARK_PROPERTIES:-$project/conf/spark/local.conf}
    cores=${MMDIN_CORES:-$(nproc)}
    [[ $cores =~ ^[1-9][0-9]{0,3}$ ]] || die "MMDIN_CORES=$cores: must be a whole number of cores, such as 4"
    [ "$cores" -ge 2 ] || cores=2 # two Horovod ranks run as two tasks at once
    [[ $memory =~ ^([1-9][0-9]{0,5})([mMgG])$ ]] || die "MMDIN_MEMORY=$memory: must be a whole number with m or g, such as 512m or 4g"
    [[ ${BASH_REMATCH[2]} = [gG] || ${BASH_REMATCH[1]} -ge 512 ]] || die "MMDIN_MEMORY=$memory: Spark needs at least 512m"
    [ -f "$properties" ] && [ -r "$properties" ] || die "MMDIN_SPARK_PROPERTIES=$properties: there is no such file, or it cannot be read"
}

quote() { # text: as one word of Java's options, as Spark takes them apart
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

file_url() { # path, every byte of which could mean something else in a URL encoded
    local LC_ALL=C byte position
    printf file:
    for ((position = 0; position < ${#1}; position++)); do
        byte=${1:position:1}
        case $byte in
            [A-Za-z0-9/._~-]) printf %s "$byte" ;;
            *) printf '%%%02X' "$(($(printf %d "'$byte") & 255))" ;;
        esac
    done
}

check_settings
find_scratch
# English words, also if the user's own options for JVMs name another language.
driver_java_options="$(quote "-Dlog4j2.configurationFile=$(file_url "$project/conf/spark/log4j2.properties")")"
driver_java_options+=" $(quote "-Djava.io.tmpdir=$scratch") $(quote "-Dderby.system.home=$scratch") -Duser.language=en"
# Set-up archives Spark's classes, which JVMs then map instead of parsing jars. A JVM that cannot use
# the archive goes without.
class_archive="$project/.venv/spark.jsa"
[ ! -f "$class_archive" ] || driver_java_options+=" $(quote "-XX:SharedArchiveFile=$class_archive") -Xlog:cds=off -Xlog:cds+dynamic=off"
# On one machine the cores that a collector takes are missing elsewhere. The JVM's usual one works beside
# the program, for a tenth of build_samples' time at a million ratings and nothing at five; users may name
# another.
collector=" -XX:+UseParallelGC"
[[ "${SPARK_SUBMIT_OPTS-} ${JAVA_TOOL_OPTIONS-} ${JDK_JAVA_OPTIONS-}" != *-XX:+Use*GC* ]] || collector=""
# shellcheck disable=SC2034  # launchers use it
spark_options=(
    --master "local[$cores]"
    --properties-file "${MMDIN_SPARK_PROPERTIES:-$project/conf/spark/local.conf}"
    --driver-memory "${MMDIN_MEMORY:-4g}"
    # Spark would put both into the folder it is started in.
    --conf "spark.sql.warehouse.dir=$scratch/mmdin-warehouse"
    --driver-java-options "$driver_java_options$collector"
)

# What no log setting quiets: Ivy and the JVM on every start, and TensorFlow before it reads its own.
ivy_lines=$'^(::|\t([^a.]|a[^t])|Ivy Default Cache|The jars for the packages|[^ ]+ added as a dependency$)'
jvm_lines='^(downloading |SLF4J: |WARNING: Using incubator modules|Using Spark.s default log4j|$)'
tensorflow_lines='^(WARNING: All log messages before absl|[EI]0000 [0-9]|WARNING:tensorflow:|To enable the following instructions: )'

without() { # patterns; Ctrl-C is for the job, whose last words must still come through
    # Output that is not text (-a) comes through too; as bytes (C), so that every line is valid.
    (trap '' INT; LC_ALL=C grep --line-buffered -avE "$1" || true)
}

quietly() { # a command, whose standard error is filtered and whose status this ends with
    { "$@" 2>&1 >&3 3>&- | without "$ivy_lines|$jvm_lines|$tensorflow_lines" >&2; } 3>&1
}

stay_here() { # Spark needs no network on one machine, and so no name of it that resolves
    export SPARK_LOCAL_IP=127.0.0.1
    unset SPARK_LOCAL_HOSTNAME SPARK_PUBLIC_DNS
}

require_host_name() { # executors look for the driver by it
    [ -n "${SPARK_LOCAL_IP:-}" ] || getent hosts "$(uname -n)" >/dev/null ||
        die "the name of this machine, $(uname -n), does not resolve: add it to /etc/hosts, or set SPARK_LOCAL_IP to an address that the cluster can reach"
}

launch() { # local or kind of cluster, options of the launcher's own, and the launcher's arguments
    require_venv
    require_java
    # -P: not the package mmdin of the folder in which the user is. What a Python application says on
    # either stream, spark-submit hands on as standard output.
    quietly "$python" -P -m mmdin.submission "$@" | without "$tensorflow_lines"
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
    require_host_name
    launch "$kind" --driver-java-options="$driver_java_options" "$@"
}
