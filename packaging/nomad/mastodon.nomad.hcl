# The jail as a Nomad job for the pot driver (nomad-pot-driver 0.9 or newer, pot 0.15 or newer), one node of the site.
#
# The agent is the job's own process: it runs the Consul client, nginx and Mastodon with their rc scripts. Its parameters
# are in a template, and each secret in one of its own: the driver would pass an env block to pot on a command line,
# where everybody on the host can read it.

job "mastodon" {
  datacenters = ["dc1"]
  type        = "service"

  # The keys and the state of this node are on this host: the job stays with them.
  constraint {
    attribute = "${node.unique.name}"
    value     = "host1"
  }

  group "mastodon" {
    count = 1

    network {
      port "http" {
        static = 80
      }
      port "https" {
        static = 443
      }
    }

    # Nomad cannot tell exit codes apart. An agent that refuses to start (64, 78; 9 if Node refuses an option of its
    # own) has touched nothing: a retry every half minute does no harm.
    restart {
      attempts = 3
      interval = "10m"
      delay    = "30s"
      mode     = "delay"
    }

    task "jail" {
      driver = "pot"

      config {
        image = "https://images.example.org/mastodon"
        pot   = "mastodon-amd64-14_2"
        tag   = "1.0.0"

        command = "/usr/local/bin/node"
        args = [
          "/usr/local/bin/mastodon-agent", "run", "--environment", "/secrets/mastodon.env",
        ]

        # /mnt must be a mount of its own: without it the agent refuses to make keys.
        mount = [
          "/srv/mastodon:/mnt",
        ]
        port_map = {
          http  = "80"
          https = "443"
        }
      }

      # Nomad makes the driver stop the jail; sidekiq may take 30 s to return its jobs to the queue.
      kill_timeout = "2m"

      # Every parameter of the jail except the secrets. The driver mounts this folder as /secrets.
      template {
        destination = "secrets/mastodon.env"
        perms       = "600"
        # A change must not restart the jail. To make the agent read it:
        #   nomad alloc exec -task jail ALLOCATION /bin/pkill -HUP -f 'mastodon-agent run'
        change_mode = "noop"
        data        = <<-EOT
          DATACENTER=dc1
          IP=10.192.0.11
          NODENAME=mastodon-1
          CONSULSERVERS=10.0.0.2,10.0.0.3,10.0.0.4
          GOSSIPKEY_FILE=/secrets/gossipkey
          DOMAIN=social.example.org
          EMAIL=admin@example.org
          MAILHOST=smtp.example.org
          MAILPORT=587
          MAILUSER=mastodon@example.org
          MAILPASS_FILE=/secrets/mailpass
          MAILFROM='Mastodon <notifications@example.org>'
          DBHOST=10.0.0.21
          DBPORT=5432
          DBUSER=mastodon
          DBPASS_FILE=/secrets/dbpass
          DBNAME=mastodon_production
          REDISHOST=10.0.0.31
          REDISPORT=6379
          #REDISPASS_FILE=/secrets/redispass
          BUCKETHOST=s3.example.org
          BUCKETPORT=443
          BUCKETSCHEME=https
          BUCKETNAME=mastodon
          BUCKETUSER='(an access key ID)'
          BUCKETPASS_FILE=/secrets/bucketpass
          BUCKETALIAS=files.example.org
          BUCKETREGION=eu-central-1
          #WEBDOMAIN=www.example.org
          #REMOTELOG=10.0.0.41
        EOT
      }

      # nomad var put nomad/jobs/mastodon gossipkey=... mailpass=... dbpass=... bucketpass=... redispass=...
      template {
        destination = "secrets/gossipkey"
        perms       = "600"
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/mastodon\" }}{{ .gossipkey }}{{ end }}"
      }
      template {
        destination = "secrets/mailpass"
        perms       = "600"
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/mastodon\" }}{{ .mailpass }}{{ end }}"
      }
      template {
        destination = "secrets/dbpass"
        perms       = "600"
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/mastodon\" }}{{ .dbpass }}{{ end }}"
      }
      template {
        destination = "secrets/bucketpass"
        perms       = "600"
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/mastodon\" }}{{ .bucketpass }}{{ end }}"
      }

      resources {
        cpu    = 2000
        memory = 6144
      }
    }
  }
}
