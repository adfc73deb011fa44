#!/usr/bin/env bash
# Regenerate every picture of the guide from the model in docs/guide/avatars, with the commands that its pages show.
#
#   docs/guide/remake.sh OUT [editing] [directions] [inversion] [adaptation] [evaluation]
#
# OUT, an empty folder, keeps all results and the printed output (OUT/*.txt, for the text of the pages). Takes a quarter of an hour on two
# cores, mostly for adaptation and the inversion benchmark.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
images=$here/docs/guide/images out=$(mkdir -p "$1" && realpath "$1")
shift
pages=${*:-editing directions inversion adaptation evaluation}
cd "$out"
ln -sfn "$here/docs" docs
wanted() { [[ " $pages " == *" $1 "* ]]; }
# 256 colors are enough for these drawings and keep the files small.
keep() { python - "$1" "$images/$2" <<'PY'
import sys
from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(sys.argv[2], optimize=True)
PY
}
# Run the commands of a page in order, except those with placeholders for the reader's own files.
run() { python - "$here/docs/guide/$1.md" <<'PY' > "$1.sh"
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith(("composegan ", "python -m ")) and not re.search(r"TIME|my_pictures|smiles|domain=faces|--draw|draw=docs", line):
            print(line)
PY
    PYTHONPATH=$here bash -ex "$1.sh" > "$1.txt"
}

if wanted editing; then
    run editing
    keep drawn/contact_sheet.png sample.png
    keep edited/sheet.png edit.png
    keep mixed.png mix.png
    keep parts/0*.png components.png
    cp everything.gif "$images/interpolate.gif"
fi
if wanted directions; then
    run directions
    for name in area brightness; do keep found/hair.*."$name.png" "directions-$name.png"; done
    for name in pca sefa; do keep found/hair.*."$name.png" "directions-$name.png"; done
    keep moved/sheet.png directions-edit.png
fi
if wanted inversion; then
    run inversion
    keep inverted/sheet.png inversion.png
    keep inverted/a/hair/sheet.png inversion_edit.png
fi
if wanted adaptation; then
    composegan adapt model=docs/guide/avatars data.demo=avataaars output.root=adapted > adaptation.txt
    run=$(ls -d adapted/faces/* | tail -n 1)
    composegan sample model=docs/guide/avatars n=12 seed=3 out=before >> adaptation.txt
    composegan sample run="$run" codes=before out=after >> adaptation.txt
    for model in "model=docs/guide/avatars" "run=$run"; do
        composegan evaluate $model data.demo=avataaars data.split=validation data.demo_count=1000 \
            metrics=sliced_wasserstein n=1000 out="evaluated-${model%%=*}" >> adaptation.txt
    done
    keep before/contact_sheet.png adapt_before.png
    keep after/contact_sheet.png adapt_after.png
fi
if wanted evaluation; then
    run evaluation
    for name in presence agreement leakage; do keep "evaluated/$name.png" "evaluate-$name.png"; done
fi
ls -l "$images"
