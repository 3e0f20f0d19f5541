#!/bin/sh
#
# A flavour for pot: puts mastodon-agent in charge of a jail that has Mastodon. It goes on top of
# a flavour or an image that has Mastodon in /usr/local/www/mastodon, such as potluck's mastodon-s3:
#
#   pot create -p mastodon -t single -b 14.2 -f fbsd-update -f mastodon-s3 -f mastodon-agent
#
# pot runs it once, inside the jail. mastodon-agent.d, beside it, holds the package's tarball and its packaging/freebsd
# (docs/install-freebsd-pot.md). It can be run again; it then does the same again.

set -eu
from=/root/mastodon-agent
export ASSUME_ALWAYS_YES=yes

say() {
    echo "mastodon-agent: $*"
}

fail() {
    say "$*" >&2
    exit 1
}

[ -d /usr/local/www/mastodon ] || fail "there is no Mastodon in /usr/local/www/mastodon: put a flavour that has it before this one"
# Under this name no registry has anything of ours.
tarball=
for candidate in "$from"/mastodon-consul-agent-*.tgz; do
    [ -f "$candidate" ] && tarball=$candidate
done
[ -n "$tarball" ] || fail "$from/mastodon-consul-agent-*.tgz is not there: see docs/install-freebsd-pot.md"
[ -f "$from/freebsd/mastodon_agent" ] || fail "$from/freebsd is not there: see docs/install-freebsd-pot.md"

new_enough() {
    command -v node >/dev/null &&
        node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'
}

say "packages"
pkg bootstrap
pkg install consul nginx syslog-ng node_exporter ca_root_nss
# Mastodon comes with the Node of its choice, and two cannot be installed together.
new_enough || pkg install node24
command -v npm >/dev/null || pkg install "npm-node$(node -p 'process.versions.node.split(".")[0]')"

say "the agent"
npm install --global --no-audit --no-fund "$tarball"

say "rc scripts and log rotation"
install -d /usr/local/etc/rc.d /usr/local/etc/rc.conf.d /usr/local/etc/newsyslog.conf.d
for script in mastodon_agent mastodon_web mastodon_sidekiq mastodon_streaming; do
    install -m 755 "$from/freebsd/$script" "/usr/local/etc/rc.d/$script"
done
install -m 644 "$from/freebsd/newsyslog.conf" /usr/local/etc/newsyslog.conf.d/mastodon-agent.conf

say "folders that the agent's files go to"
install -d -o consul -g consul -m 750 /usr/local/etc/consul.d /var/db/consul
install -d /usr/local/etc/nginx /usr/local/etc/ssl /var/log/nginx /var/cache/nginx /var/db/syslog-ng
if [ -f "$from/mastodon-agent.yaml" ]; then
    install -m 644 "$from/mastodon-agent.yaml" /usr/local/etc/mastodon-agent.yaml
fi

# The agent starts what it manages once its files are in place; nothing else may start it before.
say "rc.conf"
sysrc mastodon_agent_enable=YES node_exporter_enable=YES consul_dir=/var/db/consul
for unit in consul nginx syslog_ng mastodon_web mastodon_sidekiq mastodon_streaming; do
    sysrc "${unit}_enable=NO"
done
# syslog-ng uses syslogd's /var/run/log and pidfile, so only one of the two can run.
sysrc syslogd_enable=NO
# The scripts that configured the jail once would do so again, over the agent's files.
if [ -e /usr/local/etc/rc.d/cook ]; then
    sysrc cook_enable=NO
fi

rm -rf "$from"
say "done"
