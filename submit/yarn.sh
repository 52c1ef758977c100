#!/usr/bin/env bash
# Run one job on YARN.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"
submit_to yarn "HADOOP_CONF_DIR names the folder of core-site.xml and yarn-site.xml." "$@"
