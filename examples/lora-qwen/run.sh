#!/bin/sh
# Nodes on this machine, each with the adapters of its own trainer: [PEERS=4] [BASE=model] run.sh FOLDER [run.yaml], where FOLDER is as
# prepare.sh and lora_pretrain.py left it. What comes of it is in FOLDER/<name of the run's file>.
set -eu
folder=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
run=${2:-$root/examples/lora-qwen/run.yaml}
out=$folder/$(basename "$run" .yaml)
mkdir -p "$out"
export OMP_NUM_THREADS=1
trainer="\"${STARLINGS_PYTHON:-$root/.venv-trainers/bin/python}\" \"$root/examples/trainers/python/lora.py\" --base \"${BASE:-$folder/qwen}\""
starlings() { npm --prefix "$root" run --silent starlings -- "$@"; }

# The run, with the size and the hashes of the adapters of this base in it.
{
  starlings trainer manifest "$trainer" --data "$folder/site-1" --pin | sed '/^task:/,$d'
  cat "$run"
} >"$out/run.yaml"
starlings run create "$out/run.yaml" --out "$out/run.manifest" --key "$folder/creator.key" --start-in 60 --force

id=$(starlings node id --dir "$out/node-1" | sed -n 's/^peer id *//p')
first=/ip4/127.0.0.1/tcp/${PORT:-4101}
site=1
while [ "$site" -le "${PEERS:-4}" ]; do
  if [ "$site" = 1 ]; then set -- --listen "$first"; else set -- --listen /ip4/127.0.0.1/tcp/0 --bootstrap "$first/p2p/$id"; fi
  starlings node --run "$out/run.manifest" --data "$folder/site-$site" --dir "$out/node-$site" \
    --trainer "$trainer" --exit-when-finished "$@" >"$out/node-$site.txt" 2>&1 &
  site=$((site + 1))
done
echo "at work: tail -f $out/node-1.txt"
wait
# The loss of the start and of the end, on what each held out.
tail -n 4 "$out"/node-?.txt
