#!/usr/bin/env bash
# Run one job on Kubernetes, the driver in a pod; needs an image of submit/Dockerfile.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
submit_to kubernetes "--image        that the pods run, for the file's; it holds the environment, and FILE and the jobs too." "$@"
