#!/usr/bin/env bash
# Make .venv ready: exact versions, Horovod built for this TensorFlow, Petastorm patched for this PyArrow,
# the project itself, Delta's jars, and archives of compiled Python and of Spark's classes, from which
# processes start faster. Does nothing when that is done; resumes after an interruption. PYTHON names the
# interpreter; MMDIN_GPU=1: for GPUs.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set +o posix -euo pipefail
cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
unset PYTHONPATH PYTHONHOME SPARK_HOME # of other installations
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}" && export HOME

horovod=0.28.1
petastorm=$(sed -n 's/^petastorm==//p' requirements.lock) # its version, +, and what the patch is for
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
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "this needs Linux, and this is $(uname -s)" 2
    python=$(find_python)
    [ -n "$python" ] || missing "Python 3.11 or 3.12" "python3.11 python3.11-venv"
    version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing "Python's venv module" "python$version-venv"
    local java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
    command -v "$java" >/dev/null || missing "a JDK 17 ($java)" openjdk-17-jdk-headless
    case $("$java" -version 2>&1 || true) in
        *'version "17'*) ;;
        *) missing "a JDK 17 ($java is another version; JAVA_HOME can name one)" openjdk-17-jdk-headless ;;
    esac
    command -v g++ >/dev/null || command -v c++ >/dev/null || missing "a C++ compiler" "g++ make"
    command -v patch >/dev/null || missing "patch" patch
    [ "$variant" = cpu ] || command -v nvcc >/dev/null || [ -n "${HOROVOD_CUDA_HOME:-}" ] ||
        missing "the CUDA compiler (nvcc; HOROVOD_CUDA_HOME can name its folder)" "nvidia-cuda-toolkit libnccl-dev"
}

fingerprint() {
    cat submit/setup.sh submit/patches/* requirements.lock setup.py conf/spark/local.conf <(echo "$variant $PWD") | sha256sum | cut -d' ' -f1
}

ready() {
    [ "$(cat .venv/set-up-done 2>/dev/null)" = "$(fingerprint)" ] && .venv/bin/python -c '' 2>/dev/null
}

wait_for_lock() { # file descriptor, what the other set-up does
    flock --nonblock "$1" || { say "waiting for another set-up, which $2" && flock "$1"; }
}

make_venv() {
    # A package cut off half-way can look whole to pip, a moved .venv has scripts that point to the old
    # place, and one for another Python has no package for this one: such a .venv is made again.
    if [ -e .venv/half-written ] || ! grep -qsF "$PWD/.venv" .venv/pyvenv.cfg || [ ! -x ".venv/bin/python$version" ]; then
        say "making .venv with $python"
        rm -rf .venv
        mkdir .venv
        touch .venv/half-written
        "$python" -m venv .venv
    fi
}

install() { # what pip is to install
    touch .venv/half-written
    .venv/bin/python -m pip --disable-pip-version-check install --progress-bar off "$@" | show_packages ||
        fail "pip could not install the packages; run it again to resume"
    rm .venv/half-written
}

# pip says a line for each package it collects, and is silent while it unpacks them all.
show_packages() {
    local line count=0 started=$SECONDS
    while read -r line; do
        case $line in
            Collecting*) count=$((count + 1)) && [ $((count % 25)) != 0 ] || say "  $count packages collected, $((SECONDS - started)) s" ;;
            Downloading*" MB)") say "  ${line,}" ;;
            "Installing collected packages"*) [ $count = 0 ] || say "  unpacking $count packages" ;;
        esac
    done
}

# Horovod is compiled against TensorFlow: these come first, and the other packages beside the compiler.
install_tensorflow() {
    say "installing TensorFlow $tensorflow, which Horovod is built for"
    install --constraint requirements.lock "tensorflow==$tensorflow" setuptools wheel cloudpickle psutil PyYAML
    [ "$variant" = cpu ] || install --constraint requirements.lock "tensorflow[and-cuda]==$tensorflow"
}

install_others() {
    say "installing the other packages of requirements.lock, Spark among them"
    patch_petastorm
    install --no-deps --find-links .venv/wheels --requirement requirements.lock
    install --no-deps --no-build-isolation --editable .
}

# Petastorm 0.13.1 is published as a wheel alone: its patch is applied to that.
patch_petastorm() {
    local pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check" published=${petastorm%+*} work
    rm -rf .venv/wheels
    work=$(mktemp -d)
    mkdir .venv/wheels
    if ! { $pip download --quiet --no-deps --dest "$work" "petastorm==$published" &&
        .venv/bin/wheel unpack --dest "$work" "$work"/petastorm-*.whl >/dev/null &&
        patch --quiet --strip 1 --directory "$work/petastorm-$published" <"submit/patches/petastorm-$published.patch" &&
        mv "$work/petastorm-$published/petastorm-"{"$published","$petastorm"}.dist-info &&
        .venv/bin/wheel pack --dest .venv/wheels "$work/petastorm-$published" >/dev/null; }; then
        fail "Petastorm $published could not be fetched and patched"
    fi
    rm -rf "$work"
}

wheels() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/mmdin/wheels/horovod-$horovod-tensorflow-$tensorflow-py${version/./}-$(uname -m)-$variant"
}

# The wheel takes minutes, so it is kept per user: later clones find it. Runs beside other steps.
build_horovod() { # folder of the wheel
    local log=$1/build.log work
    mkdir -p "$1"
    exec 9>"$1/lock"
    wait_for_lock 9 "builds Horovod"
    [ -z "$(find_wheel "$1")" ] || return 0

    rm -rf "$1"/work.* || true # what a killed set-up left
    work=$(mktemp -d "$1/work.XXXX")
    say "building Horovod $horovod for TensorFlow $tensorflow ($variant), once per user: 2 to 5 minutes on two cores"
    # The compilers do not inherit the locks: when set-up is killed, they must not hold the next one up.
    make_wheel "$work" >"$log" 2>&1 8>&- 9>&- || return 1
    mv "$work"/wheel/*.whl "$1/"
    rm -rf "$work"
    say "Horovod is built"
}

find_wheel() { # folder
    find "$1" -maxdepth 1 -name '*.whl'
}

wait_for_horovod() { # process that builds it, folder of the wheel
    while kill -0 "$1" 2>/dev/null; do
        sleep 1
        [ $((SECONDS % 30)) != 0 ] || say "  still building Horovod after $SECONDS s"
    done
    if ! wait "$1"; then
        tail -n 30 "$2/build.log" >&2
        fail "Horovod could not be built; the whole log is $2/build.log"
    fi
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

install_horovod() { # folder of the wheel
    local wheel
    wheel=$(find_wheel "$1")
    # pip takes another build of the same version for the same thing, so ask where it came from.
    grep -qsF "$wheel" .venv/lib/python"$version"/site-packages/horovod-*.dist-info/direct_url.json ||
        install --no-deps --force-reinstall "$wheel"
}

# Processes that Spark starts import PySpark from these archives, out of which Python compiles what it
# loads, in every process again, unless the archives hold it compiled.
compile_archives() {
    local archive work
    for archive in "$PWD/.venv/lib/python$version"/site-packages/pyspark/python/lib/*.zip; do
        work=$(mktemp -d)
        .venv/bin/python -m zipfile --extract "$archive" "$work"
        .venv/bin/python -m compileall -q -b --invalidation-mode unchecked-hash -s "$work" -p "$archive" "$work"
        .venv/bin/python -m zipfile --create "$archive.new" "$work"/*
        mv "$archive.new" "$archive"
        rm -rf "$work"
    done
}

# Spark fetches a job's jars before it starts the job: here one that opens a session, so that the
# JVM can archive the classes that a session loads. Later JVMs map the archive instead of parsing jars.
prepare_spark() {
    local log=$PWD/.venv/spark.log work
    work=$(mktemp -d)
    rm -f "$PWD/.venv/spark.jsa"
    (
        source submit/environment.sh
        stay_here
        cd "$work"
        # The session is short: compiling its code well would take longer than running it.
        options="$driver_java_options -XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=$class_archive"
        "$spark_submit" "${spark_options[@]}" --driver-java-options "$options" "$project/submit/first_session.py" "$work/table"
    ) >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "Spark could not start with Delta's jars; the whole log is $log"
    }
    rm -rf "$work"
}

main() {
    local folder building
    check_machine
    if ready; then return; fi
    exec 8<submit/setup.sh
    wait_for_lock 8 "works in this folder"
    if ready; then return; fi

    rm -f .venv/set-up-done
    make_venv
    folder=$(wheels)
    install_tensorflow
    build_horovod "$folder" &
    building=$!
    trap 'kill $building 2>/dev/null || true' EXIT
    install_others
    compile_archives
    say "starting Spark once: it fetches Delta's jars, and the JVM archives its classes"
    prepare_spark
    wait_for_horovod "$building" "$folder"
    trap - EXIT
    install_horovod "$folder"
    fingerprint >.venv/set-up-done
    say "done in $SECONDS s"
}

main
