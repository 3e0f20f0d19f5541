#!/bin/sh
# Node looks for --env-file behind the script's name too, in what are the script's own arguments, and acts by halves:
# a file that is missing ends it with 9, NODE_OPTIONS in the file are obeyed, and the variables are not set.
# Anybody would guess that what stands behind the script belongs to the script, or else that the whole file counts.
# For a program of its own option --env-file, an operator's typing error is an exit of Node's with Node's words.
#
# Seen with node 24.21.0 (npm package "node"): exit 9 and "not found"; process title "taken"; SEEN undefined.
set -eu
VERSION=24.21.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "node@$VERSION" >/dev/null 2>&1
node=$folder/node_modules/.bin/node
echo "node $("$node" --version)"
cat >script.mjs <<'SCRIPT'
console.log(process.argv.length, process.title, process.env.SEEN);
SCRIPT
printf 'SEEN=yes\nNODE_OPTIONS=--title=taken\n' >there.env

status=0
"$node" script.mjs --env-file missing.env >missing.txt 2>&1 || status=$?
echo "a missing file behind the script: exit $status, $(sed 's/^.*: missing/missing/' missing.txt)"
there=$("$node" script.mjs --env-file there.env)
echo "a file that is there: $there"
behind=$("$node" script.mjs -- --env-file missing.env)
echo "behind two hyphens: $behind"

[ "$status" -eq 9 ] && grep -q 'missing.env: not found' missing.txt
[ "$there" = "4 taken undefined" ]
[ "${behind#5 }" != "$behind" ]
echo "as stated"
