# What mastodon-agent's token needs in a Consul that denies by default, and no more:
#
#   consul acl policy create -name mastodon-agent -rules @consul-policy.hcl
#   consul acl token create -description "mastodon-agent on mastodon-1" \
#     -policy-name mastodon-agent -node-identity mastodon-1:dc1
#
# The node identity (NODENAME:DATACENTER, Consul 1.8.1 or newer) lets the Consul client register this node and no
# other. Leave it out if the agent does not run the client with this token (`consul.agent: external`).
# If watch.prefix is not "mastodon", write that prefix here.

# Settings, and orders such as hold, which operators write.
key_prefix "mastodon/" {
  policy = "read"
}

# What agents write themselves: the pins of Mastodon's keys, and their status if that is switched on.
key_prefix "mastodon-agent/" {
  policy = "write"
}

# Patroni's leader key (dependencies.postgres.patroni.namespace). Without Patroni, set its scope to "" instead.
key_prefix "service/" {
  policy = "read"
}

# Where Postgres, Redis and S3 are, with the health of their nodes.
service_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}

# What the client's configuration registers on this node.
service "mastodon" {
  policy = "write"
}
service "node-exporter" {
  policy = "write"
}

# What the agent registers: itself (announce.service), and Mastodon's own services.
service "mastodon-agent" {
  policy = "write"
}
service "mastodon-web" {
  policy = "write"
}
service "mastodon-sidekiq" {
  policy = "write"
}
service "mastodon-streaming" {
  policy = "write"
}

# One node of a domain reloads at a time: they take turns with a session.
session_prefix "" {
  policy = "write"
}
