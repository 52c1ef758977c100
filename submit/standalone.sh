#!/usr/bin/env bash
# Run one job on a cluster of Spark's own, the driver here.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"
submit_to standalone "Every node reads and writes input and root under the same path or URL." "$@"
