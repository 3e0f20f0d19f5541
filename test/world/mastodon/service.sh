#!/bin/sh
# Stands in for FreeBSD's service(8) with the jail's three rc scripts.
# usage: service.sh FOLDER web|sidekiq|streaming start|stop|restart|status
set -eu

folder=$1
unit=$2
verb=$3
code=$(dirname "$(readlink -f "$0")")

# Where everything is: WEB_PORT, STREAMING_PORT, ADDRESS, RUN, NODE, PUMA, SIDEKIQ, STREAMING, RESPAWN_SECONDS.
# shellcheck source=/dev/null
. "$folder/stand-in.conf"

pidfile=$RUN/$unit.pid
supervisor=$RUN/$unit.supervisor.pid

lives() {
    [ -s "$supervisor" ] && kill -0 "$(cat "$supervisor")" 2>/dev/null
}

# As rc.subr does it: <name>_env from rc.conf.d goes into the process environment.
environment() {
    case $unit in
        web) echo "PORT=$WEB_PORT BIND=$ADDRESS" ;;
        streaming) echo "PORT=$STREAMING_PORT BIND=$ADDRESS NODE_ENV=production" ;;
    esac
    if [ -f "$folder/rc.conf.d/mastodon_$unit" ]; then
        # shellcheck source=/dev/null
        . "$folder/rc.conf.d/mastodon_$unit"
        eval "echo \"\${mastodon_${unit}_env:-}\""
    fi
}

start() {
    if lives; then
        echo "$unit is running already"
        return
    fi
    case $unit in
        web) set -- "$PUMA" -C "$code/puma.rb" "$code/config.ru" ;;
        sidekiq) set -- "$SIDEKIQ" -e production -C "$code/sidekiq.yml" -r "$code/sidekiq.rb" ;;
        streaming) set -- "$NODE" "$STREAMING" ;;
        *) echo "there is no unit $unit" >&2 && exit 64 ;;
    esac
    mkdir -p "$RUN" "$folder/log"
    cd "$folder"
    # Nothing of the caller's environment comes in: there it would beat .env.production. Word splitting is wanted.
    # shellcheck disable=SC2046
    env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$folder" LANG=C.UTF-8 RAILS_ENV=production $(environment) \
        setsid -f sh "$code/respawn.sh" "$supervisor" "$pidfile" "$RESPAWN_SECONDS" "$folder/log/$unit.log" "$@" \
        </dev/null >/dev/null 2>&1
    wait_for "$unit did not start" lives
}

stop() {
    lives || return 0
    kill -TERM "$(cat "$supervisor")"
    wait_for "$unit did not stop" is_gone
}

# The supervisor removes its pidfile last; its pid can stay in the table for as long as nobody asks how it ended.
is_gone() {
    [ ! -e "$supervisor" ] || ! lives
}

# At most 30 s, which is what sidekiq may take to finish its jobs.
wait_for() {
    complaint=$1
    shift
    for _ in $(seq 600); do
        if "$@"; then return 0; fi
        sleep 0.05
    done
    echo "$complaint" >&2
    exit 1
}

case $verb in
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    status) lives ;;
    *) echo "there is no verb $verb" >&2 && exit 64 ;;
esac
