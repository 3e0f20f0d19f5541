#!/bin/sh
# A script for System V init is there, and off.
[ "${2:-}" != defaults ] || set -- "$1" defaults-disabled
exec /usr/sbin/update-rc.d "$@"
