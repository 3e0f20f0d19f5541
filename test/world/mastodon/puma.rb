# Mastodon's config/puma.rb in short. Evaluated before the application loads its .env.production, so these
# variables come from the process environment only.

bind "tcp://#{ENV.fetch("BIND", "127.0.0.1")}:#{ENV.fetch("PORT", "3000")}"
workers Integer(ENV.fetch("WEB_CONCURRENCY", "2"))
threads Integer(ENV.fetch("MIN_THREADS", ENV.fetch("MAX_THREADS", "2"))), Integer(ENV.fetch("MAX_THREADS", "2"))
environment ENV.fetch("RAILS_ENV", "production")
preload_app!
# With Ruby 3.3 a worker of puma 6.6 that is told to stop now and then hangs (puma/puma#3677), and with it the restart,
# until it is killed: after 60 s where nothing else is said.
worker_shutdown_timeout 3
# Does nothing where there is no folder tmp.
plugin :tmp_restart
