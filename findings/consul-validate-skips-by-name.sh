#!/bin/sh
# "consul validate FILE..." does not read a file whose name does not end in .json or .hcl, even one that is named on the
# command line. A good configuration called agent.conf then "has no data_dir", with no word about the name; and beside a
# good agent.json a broken agent.conf is "valid" with exit code 0, after a line that it was skipped. One would guess that
# a file which is named is read, or refused by its name. It matters to whoever checks a new file under a temporary name.
#
# Seen with Consul 1.8.7: good agent.conf alone: "data_dir cannot be empty"; good agent.json and broken agent.conf: 0, "valid".
set -eu
consul=${CONSUL_BIN:-consul}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$consul" version | head -n 1
cd "$folder"
echo "{ \"data_dir\": \"$folder/data\" }" | tee good.json >good.conf
echo '{ "no_such_key": 1 }' >broken.conf

alone=$("$consul" validate good.conf 2>&1 || true)
beside=$("$consul" validate good.json broken.conf 2>/dev/null)
told=$("$consul" validate -config-format=json good.conf 2>&1)
echo "a good file with another ending: $alone"
echo "a good file, and a broken one with another ending: $beside"
echo "the good file, with its format: $told"
[ "$alone" = "Config validation failed: data_dir cannot be empty" ]
case $beside in *"Configuration is valid!") ;; *) exit 1 ;; esac
[ "$told" = "Configuration is valid!" ]
echo "as stated"
