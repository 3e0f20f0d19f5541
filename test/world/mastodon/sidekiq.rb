# Sidekiq's half of the stand-in: loads the same file as web does, takes its jobs from the Redis named there.

require_relative "environment"
require_relative "jobs"

Sidekiq.configure_server do |config|
  config.redis = redis_options
  # Redis has answered by then.
  config.on(:startup) { Boot.note("sidekiq") }
end
