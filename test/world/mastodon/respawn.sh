#!/bin/sh
# Stands in for FreeBSD's `daemon -r -P SUPERVISOR -p PIDFILE`: starts the program again whenever it ends, and
# hands TERM on to it.
# usage: respawn.sh SUPERVISOR PIDFILE SECONDS LOG COMMAND...
set -u

supervisor=$1
pidfile=$2
seconds=$3
log=$4
shift 4

write() {
    echo "$2" >"$1.new" && mv "$1.new" "$1"
}

child=
stopping=
trap 'stopping=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
write "$supervisor" $$

while [ -z "$stopping" ]; do
    "$@" >>"$log" 2>&1 &
    child=$!
    write "$pidfile" "$child"
    # A trapped signal ends a wait early.
    while kill -0 "$child" 2>/dev/null; do wait "$child"; done
    rm -f "$pidfile"
    [ -n "$stopping" ] || sleep "$seconds"
done
rm -f "$supervisor"
