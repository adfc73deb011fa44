#!/usr/bin/env bash
# The paper's face experiments, from the downloaded folder to the metrics; see docs/reproduction.md for what to expect.
#
#   benchmarks/reproduce_faces.sh CelebAMask-HQ OUT [256|512]   the paper's setting: several GPUs, days
#   benchmarks/reproduce_faces.sh avatars OUT                   all steps in minutes on two cores, on drawn avatars
#
# After an interruption run it again: finished steps are skipped and training resumes where it stopped.
# STYLE=FOLDER also adapts the model to the pictures in a folder (the paper: MetFaces, Bitmoji, Toonify).
# FIT="trainer.devices=8 ..." adds settings to training, EVALUATE="inception=FILE n=50000 ..." to the evaluation.
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; fi
here=$(cd "$(dirname "$0")/.." && pwd)
data=$1 out=$2 size=${3:-512}
mkdir -p "$out"

if [ "$data" = avatars ]; then
    size=64 photos=4 n=${N:-64}
    recipe="recipe=quick_paper training.images=${IMAGES:-480} output.samples_every=160 output.checkpoint_every=160 \
        output.score_every=240 output.score_samples=32 output.log_every=80"
    invert="steps=60 tune_steps=20" adapt="data.demo=avataaars data.demo_count=64 training.images=80"
    directions="count=2 measured=16"
    data=$out/avatars
    [ -e "$data/done" ] || {
        (cd "$here" && python -m benchmarks.avatars_as_celebamask out="$(realpath "$out")/avatars" train=160 validation=32 size=128)
        touch "$data/done"
    }
else
    photos=${PHOTOS:-100} n=${N:-28000} recipe="recipe=paper$size" invert="" directions=""
    adapt=${STYLE:+data.root=$STYLE}
fi

step() { printf '\n== %s\n' "$*"; }

for split in train validation; do
    step "pack the $split images at ${size}x$size"
    [ -e "$out/$split.done" ] || {
        composegan prepare domain=faces data.root="$data" data.split=$split data.height="$size" data.width="$size" out="$out/$split"
        touch "$out/$split.done"
    }
done

step train
run=$(ls -d "$out"/runs/faces/* 2>/dev/null | head -n 1 || true)
if [ -z "$run" ]; then
    composegan fit domain=faces $recipe data.root="$out" output.root="$out/runs" ${FIT:-}
    run=$(ls -d "$out"/runs/faces/* | head -n 1)
elif [ ! -e "$out/trained" ]; then
    composegan fit run="$run" ${FIT:-}
fi
touch "$out/trained"

step "metrics against the training images, as in the paper's table, and against the held-out ones"
composegan evaluate run="$run" overwrite=on data.root="$out" n="$n" out="$out/evaluation" ${EVALUATE:-}
composegan evaluate run="$run" overwrite=on data.root="$out" data.split=validation metrics=FSD,sliced_wasserstein n="$n" \
    out="$out/evaluation-validation"

step "pictures: samples, classes one after another, edits, interpolation"
composegan sample run="$run" overwrite=on n=16 out="$out/figures/samples"
composegan components run="$run" overwrite=on n=2 out="$out/figures/components"
composegan edit run="$run" overwrite=on force=on classes=hair part=texture out="$out/figures/edit-hair-texture"
composegan edit run="$run" overwrite=on force=on classes=hair part=shape out="$out/figures/edit-hair-shape"
composegan mix run="$run" overwrite=on classes=hair out="$out/figures/mix-hair.png"
composegan interpolate run="$run" overwrite=on n=3 frames=8 out="$out/figures/interpolate.mp4"

step "directions"
composegan directions run="$run" method=pca classes=hair part=texture $directions out="$out/figures/directions-pca"
composegan directions run="$run" method=sefa classes=face part=shape $directions out="$out/figures/directions-sefa"

step "inversion of $photos held-out images"
(cd "$here" && python -m benchmarks.held_out data.root="$(realpath "$out")" data.split=validation data.height="$size" \
    data.width="$size" n="$photos" out="$(realpath "$out")/held-out")
composegan invert run="$run" photos="$out/held-out/images" masks="$out/held-out/labels" $invert out="$out/inverted"
composegan edit run="$run" overwrite=on force=on codes="$out/inverted" n=4 classes=hair part=texture out="$out/figures/edit-inverted"

if [ -n "$adapt" ]; then
    step "adaptation to images without masks"
    [ -e "$out/adapted" ] || composegan adapt run="$run" $adapt output.root="$out/adapted-runs"
    touch "$out/adapted"
fi

step "everything is in $out"
cat "$out"/evaluation/*.md
