#!/bin/sh
#
# Every parameter of the jail, as pot takes it; run on the host, as root: sh set-env.sh [POTNAME]
#
# Each call of "pot set-env" replaces everything that was set before, so give all of them at once. They take effect at the
# next "pot start". Put passwords between single quotes: the agent gets exactly what is there, $ and all.
# DATACENTER, IP, NODENAME, CONSULSERVERS and GOSSIPKEY must be here. All others may come from Consul instead (consul
# kv put mastodon/settings/MAILHOST smtp.example.org), and hosts of backends from its catalogue: leave those out.

pot set-env -p "${1:-mastodon}" \
    -E DATACENTER=dc1 \
    -E IP=10.192.0.11 \
    -E NODENAME=mastodon-1 \
    -E CONSULSERVERS=10.0.0.2,10.0.0.3,10.0.0.4 \
    -E GOSSIPKEY='(the key of the cluster: consul keygen makes one)' \
    -E DOMAIN=social.example.org \
    -E WEBDOMAIN=www.example.org \
    -E EMAIL=admin@example.org \
    -E MAILHOST=smtp.example.org \
    -E MAILPORT=587 \
    -E MAILUSER=mastodon@example.org \
    -E MAILPASS='(a password)' \
    -E MAILFROM='Mastodon <notifications@example.org>' \
    -E DBHOST=10.0.0.21 \
    -E DBPORT=5432 \
    -E DBUSER=mastodon \
    -E DBPASS='(a password)' \
    -E DBNAME=mastodon_production \
    -E REDISHOST=10.0.0.31 \
    -E REDISPORT=6379 \
    -E REDISPASS='(a password)' \
    -E BUCKETHOST=s3.example.org \
    -E BUCKETPORT=443 \
    -E BUCKETSCHEME=https \
    -E BUCKETNAME=mastodon \
    -E BUCKETUSER='(an access key ID)' \
    -E BUCKETPASS='(a secret access key)' \
    -E BUCKETALIAS=files.example.org \
    -E BUCKETREGION=eu-central-1 \
    -E REMOTELOG=10.0.0.41

# A secret may be in a file inside the jail instead, for instance on its persistent storage; then replace its line by:
#   -E DBPASS_FILE=/mnt/mastodon/private/dbpass
