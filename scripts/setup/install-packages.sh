#!/bin/sh
# Installs the Debian packages that it is given, without starting any daemon that comes with them.
# usage (as root): install-packages.sh PACKAGE...
set -eu

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d

# Debian asks this file whether a daemon may be started. One that is there already is someone else's.
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# One source that does not answer need not be the one that has our packages.
apt-get -o DPkg::Lock::Timeout=120 update || true
apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
