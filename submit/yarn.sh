#!/usr/bin/env bash
# Run one job on YARN.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
submit_to yarn "HADOOP_CONF_DIR names the folder of core-site.xml and yarn-site.xml." "$@"
