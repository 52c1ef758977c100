#!/usr/bin/env bash
# Make .venv ready: exact versions, Horovod built for this TensorFlow, the project itself, Delta's
# jars. Does nothing when that is done; picks up where it was interrupted. MMDIN_GPU=1: for GPUs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

horovod=0.28.1
tensorflow=$(sed -n 's/^tensorflow==//p' requirements.lock)
variant=cpu
[ "${MMDIN_GPU:-0}" = 0 ] || variant=gpu

say() { echo "set-up: $*"; }

fail() { # message, status
    echo "set-up: $1" >&2
    exit "${2:-1}"
}

missing() { # what, Debian packages
    fail "$1 is missing. On Debian or Ubuntu: sudo apt-get install $2" 2
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
    [ "$(uname -s)" = Linux ] || fail "this needs Linux, and this is $(uname -s)" 2
    python=$(find_python)
    [ -n "$python" ] || missing "Python 3.11" "python3.11 python3.11-venv"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing "Python's venv module" python3.11-venv
    local java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
    command -v "$java" >/dev/null || missing "a JDK 17 ($java)" openjdk-17-jdk-headless
    case $("$java" -version 2>&1 || true) in
        *'version "17'*) ;;
        *) missing "a JDK 17 ($java is another version; JAVA_HOME can name one)" openjdk-17-jdk-headless ;;
    esac
    command -v g++ >/dev/null || command -v c++ >/dev/null || missing "a C++ compiler" "g++ make"
    [ "$variant" = cpu ] || command -v nvcc >/dev/null || [ -n "${HOROVOD_CUDA_HOME:-}" ] ||
        missing "the CUDA compiler (nvcc; HOROVOD_CUDA_HOME can name its folder)" "nvidia-cuda-toolkit libnccl-dev"
}

fingerprint() {
    cat submit/setup.sh requirements.lock setup.py conf/spark/local.conf <(echo "$variant $PWD") | sha256sum | cut -d' ' -f1
}

ready() {
    [ "$(cat .venv/set-up-done 2>/dev/null)" = "$(fingerprint)" ] && .venv/bin/python -c '' 2>/dev/null
}

wait_for_lock() { # file descriptor, what the other set-up does
    flock --nonblock "$1" || { say "waiting for another set-up, which $2" && flock "$1"; }
}

make_venv() {
    # A package cut off half-way can look whole to pip, and a moved .venv has scripts that point to
    # the old place: such a .venv is made anew.
    if [ -e .venv/half-written ] || ! grep -qsF "$PWD/.venv" .venv/pyvenv.cfg; then
        say "making .venv with $python"
        rm -rf .venv
        mkdir .venv
        touch .venv/half-written
        "$python" -m venv .venv
    fi
}

install() { # what pip is to install
    touch .venv/half-written
    .venv/bin/python -m pip --disable-pip-version-check install --quiet "$@" ||
        fail "pip could not install this; run it again to go on from here"
    rm .venv/half-written
}

# A wheel per user, since it takes minutes: later clones find it.
build_horovod() {
    local cache log work ticker
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/mmdin/wheels/horovod-$horovod-tensorflow-$tensorflow-py311-$(uname -m)-$variant"
    log=$cache/build.log
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    wait_for_lock 9 "builds Horovod"
    wheel=$(find "$cache" -maxdepth 1 -name '*.whl')
    [ -z "$wheel" ] || return 0

    rm -rf "$cache"/work.* || true # what a killed set-up left
    work=$(mktemp -d "$cache/work.XXXX")
    say "building Horovod $horovod for TensorFlow $tensorflow ($variant), once per user: 2 to 5 minutes on two cores"
    (while sleep 30 && kill -0 $$ 2>/dev/null; do say "  still building after $SECONDS s"; done) 8>&- 9>&- &
    ticker=$!
    # The compilers do not inherit the locks: where set-up is killed, they must not hold the next one up.
    if ! make_wheel "$work" >"$log" 2>&1 8>&- 9>&-; then
        kill "$ticker"
        tail -n 30 "$log" >&2
        fail "Horovod could not be built; the whole log is $log"
    fi
    kill "$ticker"
    mv "$work"/wheel/*.whl "$cache/"
    rm -rf "$work"
    wheel=$(find "$cache" -maxdepth 1 -name '*.whl')
}

make_wheel() { # folder
    local pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check" source="$1/horovod-$horovod"
    [ "$variant" = cpu ] || export HOROVOD_GPU_OPERATIONS=NCCL
    # Horovod's CMake files are too old for CMake 4. Its bridge to XLA is off by default, and does not
    # compile since TensorFlow 2.14.
    $pip install --quiet --target "$1/cmake" "cmake>=3.24,<4" &&
        $pip download --no-deps --no-binary :all: --no-build-isolation --dest "$1" "horovod==$horovod" &&
        tar -xzf "$source.tar.gz" -C "$1" &&
        sed -i '/xla_mpi_ops\.cc/d' "$source/horovod/tensorflow/CMakeLists.txt" &&
        PATH="$PWD/.venv/bin:$1/cmake/cmake/data/bin:$PATH" MAKEFLAGS="-j$(nproc)" \
            HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
            HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 \
            $pip wheel --no-build-isolation --no-deps --wheel-dir "$1/wheel" "$source"
}

install_horovod() {
    # pip takes another build of the same version for the same thing, so ask where it came from.
    grep -qsF "$wheel" .venv/lib/python3.11/site-packages/horovod-*.dist-info/direct_url.json ||
        install --no-deps --force-reinstall "$wheel"
}

# Spark fetches a job's jars before it starts the job: here one that does nothing.
fetch_jars() {
    local log=.venv/jars.log
    touch .venv/nothing.py
    (source submit/environment.sh && "$spark_submit" "${spark_options[@]}" .venv/nothing.py) >$log 2>&1 || {
        tail -n 20 $log >&2
        fail "Spark could not fetch Delta's jars; the whole log is $log"
    }
}

main() {
    check_machine
    if ready; then return; fi
    exec 8<submit/setup.sh
    wait_for_lock 8 "works in this folder"
    if ready; then return; fi

    rm -f .venv/set-up-done
    make_venv
    say "installing the versions of requirements.lock, TensorFlow and Spark among them: a minute or two"
    install --no-deps --requirement requirements.lock
    [ "$variant" = cpu ] || install --constraint requirements.lock "tensorflow[and-cuda]==$tensorflow"
    build_horovod
    install_horovod
    install --no-deps --no-build-isolation --editable .
    say "letting Spark fetch Delta's jars"
    fetch_jars
    fingerprint >.venv/set-up-done
    say "done in $SECONDS s"
}

main
