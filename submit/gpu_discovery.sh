#!/usr/bin/env bash
# What Spark asks an executor or worker (spark.*.resource.gpu.discoveryScript): which GPUs there are.
set -euo pipefail
indices=$(nvidia-smi --query-gpu=index --format=csv,noheader)
[[ "$indices" =~ ^[0-9[:space:]]+$ ]] || {
    echo "gpu_discovery: nvidia-smi names no GPU: $indices" >&2
    exit 1
}
printf '{"name": "gpu", "addresses": [%s]}\n' "$(awk '{printf "%s\"%s\"", (NR > 1 ? ", " : ""), $1}' <<<"$indices")"
