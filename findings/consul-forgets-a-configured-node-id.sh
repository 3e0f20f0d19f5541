#!/bin/sh
# A Consul client writes the node ID that it makes for itself into its data directory (node-id), and finds itself again
# there after any restart. One that is given the same ID by its configuration (node_id) writes nothing. One would guess
# that the data directory has the node's identity in either case: whoever once set node_id, and then leaves it out, has
# a node with a new ID, whose name the servers refuse ("Node name ... is reserved") while the address answers.
#
# Seen with Consul 1.8.7: node-id is there without node_id, and is not with it.
set -eu
consul=${CONSUL_BIN:-consul}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$consul" version | head -n 1

run() {
  cat >"$folder/$1.json" <<CONFIG
{ $2 "node_name": "node1", "bind_addr": "127.0.0.1", "data_dir": "$folder/$1",
  "ports": { "http": 18500, "dns": -1, "serf_lan": 18501, "serf_wan": -1, "server": 18502 } }
CONFIG
  : >"$folder/$1.log"
  "$consul" agent -config-file="$folder/$1.json" >"$folder/$1.log" 2>&1 &
  pid=$!
  until grep -q "agent: started state syncer" "$folder/$1.log"; do
    kill -0 "$pid" 2>/dev/null || { cat "$folder/$1.log"; exit 1; }
    sleep 0.1
  done
  kill "$pid"
  wait "$pid" || true
  if [ -e "$folder/$1/node-id" ]; then echo "there"; else echo "not there"; fi
}

made=$(run made "")
given=$(run given '"node_id": "86722325-3cd3-39a7-cd98-1eed8fa9786b",')
echo "node-id of a client that makes its own ID: $made"
echo "node-id of a client whose configuration has node_id: $given"
[ "$made" = "there" ]
[ "$given" = "not there" ]
echo "as stated"
