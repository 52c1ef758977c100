#!/usr/bin/env bash
# Run one job on Kubernetes, the driver in a pod; needs an image of submit/Dockerfile.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@" # called by sh
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/environment.sh"
submit_to kubernetes "--image        that the pods run, for the file's; it holds the environment, and FILE and the jobs too." "$@"
