#!/usr/bin/env bash
# Make .venv ready: exact versions, Horovod built for this TensorFlow, the project itself, Delta's
# jars. Does nothing when that is done; picks up where it was interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

horovod=0.28.1
variant=${MMDIN_GPU:+gpu}
variant=${variant:-cpu}

say() { echo "set-up: $*"; }

missing() { # what, Debian package
    echo "set-up: $1 is missing. On Debian or Ubuntu: sudo apt-get install $2" >&2
    exit 2
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

check_machine() {
    [ "$(uname -s)" = Linux ] || { echo "set-up: this needs Linux, and this is $(uname -s)" >&2 && exit 2; }
    python=$(find_python)
    [ -n "$python" ] || missing "Python 3.11" "python3.11 python3.11-venv python3.11-dev"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing "Python's venv module" python3.11-venv
    local java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
    command -v "$java" >/dev/null || missing "a JDK 17" openjdk-17-jdk-headless
    "$java" -version 2>&1 | grep -q 'version "17' || missing "a JDK 17 ($java is another version)" openjdk-17-jdk-headless
    command -v g++ >/dev/null || command -v c++ >/dev/null || missing "a C++ compiler" "g++ make"
}

fingerprint() {
    cat submit/setup.sh requirements.lock setup.py conf/spark/local.conf <(echo "$variant $PWD") | sha256sum | cut -d' ' -f1
}

# A wheel per user, since it takes minutes: later clones find it.
build_horovod() {
    local tensorflow cache
    tensorflow=$(sed -n 's/^tensorflow==//p' requirements.lock)
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/mmdin/wheels/horovod-$horovod-tensorflow-$tensorflow-py311-$(uname -m)-$variant"
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9 # two set-ups at once build one wheel
    wheel=$(find "$cache" -name '*.whl' | head -n 1)
    [ -z "$wheel" ] || return 0
    say "building Horovod $horovod for TensorFlow $tensorflow ($variant): 2 to 5 minutes, once per user"
    local work=$cache/work log=$cache/build.log
    rm -rf "$work" && mkdir -p "$work"
    if ! make_wheel "$work" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        echo "set-up: Horovod could not be built; the whole log is $log" >&2
        exit 1
    fi
    mv "$work"/wheel/*.whl "$cache/"
    rm -rf "$work"
    wheel=$(find "$cache" -name '*.whl' | head -n 1)
}

make_wheel() { # folder
    local pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check" cmake
    # Horovod's CMake files are too old for CMake 4.
    $pip install --quiet --target "$1/cmake" "cmake>=3.24,<4"
    cmake="$1/cmake/cmake/data/bin"
    $pip download --no-deps --no-binary :all: --no-build-isolation --dest "$1" "horovod==$horovod" &&
        tar -xzf "$1/horovod-$horovod.tar.gz" -C "$1" || return 1
    # A bridge to XLA that is off by default, and does not compile since TensorFlow 2.14.
    sed -i '/xla_mpi_ops\.cc/d' "$1/horovod-$horovod/horovod/tensorflow/CMakeLists.txt" || return 1
    [ "$variant" = cpu ] || export HOROVOD_GPU_OPERATIONS=NCCL
    PATH="$PWD/.venv/bin:$cmake:$PATH" HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
        HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 MAKEFLAGS="-j$(nproc)" \
        $pip wheel --no-build-isolation --no-deps --wheel-dir "$1/wheel" "$1/horovod-$horovod"
}

fetch_jars() {
    PYSPARK_PYTHON=$PWD/.venv/bin/python .venv/bin/spark-submit --properties-file conf/spark/local.conf --master 'local[1]' \
        spark_jobs/sql.py --help >.venv/jars.log 2>&1 || {
        tail -n 20 .venv/jars.log >&2
        echo "set-up: Spark could not resolve Delta's jars; the whole log is .venv/jars.log" >&2
        exit 1
    }
}

main() {
    check_machine
    local stamp=.venv/set-up-done wanted
    wanted=$(fingerprint)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -x .venv/bin/python ]; then
        return
    fi
    rm -f "$stamp"
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv with $python"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    say "installing the versions of requirements.lock, TensorFlow and Spark among them: a minute or two"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
    [ "$variant" = cpu ] || .venv/bin/python -m pip install --quiet 'tensorflow[and-cuda]==2.21.0'
    build_horovod
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$wheel"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    say "letting Spark fetch Delta's jars"
    fetch_jars
    echo "$wanted" >"$stamp"
    say "done"
}

main
