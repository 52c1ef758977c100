# Sourced by the launchers: where the project is, and the environment that Spark's processes need.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python="$project/.venv/bin/python"

die() {
    echo "$(basename "$0"): $1" >&2
    exit 2
}

# Spark's driver and executors run this Python, and with it Horovod and TensorFlow.
export PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python"
# The jobs' own lines are what a console is for.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}" PYTHONWARNINGS="${PYTHONWARNINGS:-ignore}"
export PYTHONUNBUFFERED=1
unset SPARK_HOME

submit_local() {
    [ -x "$project/.venv/bin/spark-submit" ] || die "there is no environment yet: run 'make setup' in $project"
    local cores=${MMDIN_CORES:-$(nproc)}
    [ "$cores" -ge 2 ] || cores=2 # two Horovod ranks run as two tasks at once
    "$project/.venv/bin/spark-submit" \
        --master "local[$cores]" \
        --properties-file "$project/conf/spark/local.conf" \
        --driver-memory "${MMDIN_MEMORY:-4g}" \
        --conf "spark.sql.warehouse.dir=${TMPDIR:-/tmp}/mmdin-warehouse" \
        --driver-java-options "-Dlog4j2.configurationFile=file:$project/conf/spark/log4j2.properties -Dderby.system.home=${TMPDIR:-/tmp}" \
        "$@" 2> >(grep --line-buffered -v -E "$resolver_chatter" >&2)
}

# What Ivy and the JVM say on every start, and no log setting quiets.
resolver_chatter='^:: |^\t|^Ivy Default Cache|^The jars for the packages|added as a dependency$|^WARNING: Using incubator modules|Unable to load native-hadoop|^Using Spark.s default log4j|^$'
