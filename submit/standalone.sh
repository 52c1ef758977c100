#!/usr/bin/env bash
# Run one job on a cluster of Spark's own, the driver here.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
submit_to standalone "Every node reads and writes input and root under the same path or URL." "$@"
