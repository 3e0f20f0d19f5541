#!/bin/sh
# Installs the Debian packages that it is given. No service that comes with them is started or enabled, and
# nothing is removed.
# usage (as root): install-packages.sh PACKAGE...
set -eu

here=$(dirname "$(readlink -f "$0")")
export DEBIAN_FRONTEND=noninteractive

# One source that does not answer need not be the one that has our packages.
apt-get -o DPkg::Lock::Timeout=120 update || true

# The packages' own scripts find the programs of no-services/ before Debian's. A policy-rc.d would only keep services
# from being started, and the machine may have one of its own.
apt-get -o DPkg::Lock::Timeout=120 -o DPkg::Path="$here/no-services:/usr/sbin:/usr/bin:/sbin:/bin" \
    install --yes --no-install-recommends --no-remove "$@"
