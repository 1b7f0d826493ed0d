#!/bin/sh
# A comparison as a Slurm array: each task does one part and goes on where it stopped when it is requeued.
#   sbatch --array=1-16 compare-slurm.sh
# COMPARISON is the YAML file, OUT a folder that all nodes see; PARTS where not all are submitted. When all parts are done:
#   starlings compare COMPARISON --out OUT --merge OUT/trials-*-of-16.jsonl
#SBATCH --job-name=starlings-compare
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --output=compare-%A-%a.log
set -eu
comparison=${COMPARISON:-configs/compare/mnist.yaml}
out=${OUT:-compare-results}
# Of the whole, also where only some parts are submitted again.
parts=${PARTS:-$SLURM_ARRAY_TASK_COUNT}
exec ${STARLINGS:-npx starlings} compare "$comparison" --out "$out" \
  --shard "$SLURM_ARRAY_TASK_ID/$parts" --workers "$SLURM_CPUS_PER_TASK"
