# Mastodon's config/puma.rb in short. Evaluated before the application loads its .env.production, so these
# variables come from the process environment only.

bind "tcp://#{ENV.fetch("BIND", "127.0.0.1")}:#{ENV.fetch("PORT", "3000")}"
workers Integer(ENV.fetch("WEB_CONCURRENCY", "2"))
threads Integer(ENV.fetch("MIN_THREADS", ENV.fetch("MAX_THREADS", "2"))), Integer(ENV.fetch("MAX_THREADS", "2"))
environment ENV.fetch("RAILS_ENV", "production")
preload_app!
# Does nothing where there is no folder tmp.
plugin :tmp_restart
