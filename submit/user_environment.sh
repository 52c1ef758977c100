# shellcheck shell=bash
# Sourced by submit/environment.sh: takes from the user's environment what would make Python, Java or
# Spark read other files than this project's, and names the variable if there is nothing in its place.

# Python would load other packages, leave docstrings out, write in another encoding or not end.
unset PYTHONPATH PYTHONHOME PYTHONPLATLIBDIR PYTHONUSERBASE PYTHONSAFEPATH PYTHONOPTIMIZE \
    PYTHONINSPECT PYTHONIOENCODING PYTHONUTF8 PYTHONCOERCECLOCALE
# An environment that is shared with another clone holds that clone's code.
# shellcheck disable=SC2154  # environment.sh sets it
[ ! -L "$project/.venv" ] || export PYTHONPATH="$project"

# Another Spark's jars and scripts (spark-env.sh on Hadoop's edge nodes) do not fit this one, and a
# notebook's Spark is not to be taken for a new one.
unset SPARK_HOME SPARK_CONF_DIR SPARK_DIST_CLASSPATH SPARK_JARS_DIR SPARK_PREPEND_CLASSES \
    SPARK_SCALA_VERSION SPARK_TESTING SPARK_REMOTE SPARK_LOCAL_REMOTE SPARK_CONNECT_MODE \
    SPARK_API_MODE PYSPARK_SUBMIT_ARGS PYSPARK_DRIVER_PYTHON_OPTS PYSPARK_GATEWAY_PORT \
    PYSPARK_GATEWAY_SECRET

# Names of files and printed text are UTF-8, and words change case as in English. cron, containers and
# ssh set no locale, and in a Turkish one the small letter of I is not i.
for locale in C.UTF-8 en_US.UTF-8 "${LC_ALL:-}" "${LANG:-}" none; do
    [ "$locale" != none ] || die "no UTF-8 locale: install one, such as C.UTF-8, and set LC_ALL to it"
    if [ "$({ LC_ALL=$locale locale charmap; } 2>/dev/null)" = UTF-8 ] || ! command -v locale >/dev/null; then
        export LC_ALL=$locale
        break
    fi
done

# cron and some containers set no home folder.
if [ -z "${HOME:-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
    export HOME=${HOME:-/}
fi

# Processes on this machine talk to each other without a proxy.
export no_proxy="${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1"
export NO_PROXY="$no_proxy"

can_hold_scratch() { # folder; Spark copies jars there (80 MB, for a moment twice) and spills shuffles
    local file
    [ -d "$1" ] && file=$(mktemp "$1/mmdin.XXXXXXXX" 2>/dev/null) || return 1
    if chmod u+x "$file" && [ -x "$file" ] && head -c 65536 /dev/zero 2>/dev/null >"$file" &&
        [ "$(df -Pk "$1" | awk 'NR == 2 {print $4}')" -ge 307200 ]; then
        rm -f "$file"
    else
        rm -f "$file"
        return 1
    fi
}

find_scratch() { # sets scratch, and TMPDIR for all processes
    local folder wanted=${TMPDIR:-}
    for folder in "$wanted" /tmp /var/tmp; do
        if [ -z "$folder" ] || ! can_hold_scratch "$folder"; then continue; fi
        [ -z "$wanted" ] || [ "$folder" = "$wanted" ] ||
            warn "TMPDIR=$wanted has less than 300 MB free, or files in it cannot be written or executed: using $folder"
        scratch=$(cd "$folder" && pwd)
        export TMPDIR=$scratch
        return
    done
    die "no folder for temporary files: ${wanted:+$wanted, }/tmp and /var/tmp have less than 300 MB free, or files in them cannot be written or executed: set TMPDIR to one"
}

java_version() { # java; from a file if there is one, because a JVM takes a while to start
    local release found
    release=$(dirname "$(dirname "$(readlink -f "$1")")")/release
    found=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release" 2>/dev/null || true)
    [ -n "$found" ] || found=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' || true)
    echo "$found"
}

fits_spark() { # java
    [ -x "$1" ] || return 1
    [ "$(java_version "$1")" = 17 ]
}

require_java() {
    local java wanted=${JAVA_HOME:-}
    [ -z "$wanted" ] || ! fits_spark "$wanted/bin/java" || return 0
    java=$(command -v java || true)
    if [ -n "$java" ] && fits_spark "$java"; then
        [ -z "$wanted" ] || warn "JAVA_HOME=$wanted has no Java 17: using $java"
        unset JAVA_HOME
    elif [ -n "$wanted" ]; then
        die "JAVA_HOME=$wanted has no Java 17: set it to the folder of one"
    else
        die "there is no Java 17${java:+ ($java is another version)}: install one, or set JAVA_HOME to its folder"
    fi
}
