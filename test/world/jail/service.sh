#!/bin/sh
# Stands in for FreeBSD's service(8) in a jail that lives in a folder: nginx, syslog-ng and the Consul client with what
# the jail has in etc, and Mastodon's three.
# usage: service.sh FOLDER NAME onestart|onereload|onerestart|onestop
set -eu

folder=$1
name=$2
verb=${3#one}

# MASTODON, and the programs NGINX, SYSLOG_NG, CONSUL.
# shellcheck source=/dev/null
. "$folder/jail.conf"
etc=$folder/usr/local/etc
run=$folder/var/run

pidfile_of() {
    case $name in
        nginx) echo "$run/nginx.pid" ;;
        syslog-ng) echo "$run/syslog.pid" ;;
        consul) echo "$run/consul.pid" ;;
        *) echo "there is no service $name" >&2 && exit 64 ;;
    esac
}

start() {
    case $name in
        nginx) "$NGINX" -q -e "$folder/var/log/nginx/error.log" -c "$etc/nginx/nginx.conf" ;;
        syslog-ng)
            "$SYSLOG_NG" --no-caps --process-mode=background --cfgfile="$etc/syslog-ng.conf" --pidfile="$pidfile" \
                --persist-file="$folder/var/db/syslog-ng.persist" --control="$run/syslog-ng.ctl"
            ;;
        consul)
            setsid -f "$CONSUL" agent -config-dir="$etc/consul.d" -pid-file="$pidfile" \
                </dev/null >>"$folder/var/log/consul.log" 2>&1
            ;;
    esac
}

lives() {
    [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null
}

stop() {
    lives || return 0
    pid=$(cat "$pidfile")
    kill -TERM "$pid"
    for _ in $(seq 600); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.05
    done
    echo "$name did not stop" >&2
    exit 1
}

case $name in
    mastodon_*) exec sh "$(dirname "$0")/../mastodon/service.sh" "$MASTODON" "${name#mastodon_}" "$verb" ;;
esac

pidfile=$(pidfile_of)
case $verb in
    start) start ;;
    reload) lives && kill -HUP "$(cat "$pidfile")" ;;
    restart) stop && start ;;
    stop) stop ;;
    *) echo "there is no verb $verb" >&2 && exit 64 ;;
esac
