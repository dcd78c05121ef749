#!/usr/bin/env bash
# Measures a GPU in under eight minutes: bash analysis/benchmarks/cuda.sh, in the root of the repository.
# Writes cuda.json, cuda.md, cuda.png, crossovers-cuda.json and a log into $OUT. Wheels in .whl are installed for it.
set -u
device="${1:-cuda}"
out="${OUT:-cuda}"
mkdir -p "$out"
export PYTHONUNBUFFERED=1
if compgen -G ".whl/*.whl" > /dev/null; then
    site="$(mktemp -d)"
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" .whl/*.whl
    export PYTHONPATH="$site"
fi
{
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
    python3 -m analysis.benchmarks.cuda --device "$device" --out "$out" "${@:2}"
    python3 -m analysis.benchmarks.cuda --figure "$out/cuda.json"
} 2>&1 | tee "$out/log"
