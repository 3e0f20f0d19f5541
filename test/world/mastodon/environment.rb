# What dotenv-rails does for Mastodon: variables of the process stay, the rest comes from the file.

require "dotenv"
require "fileutils"
require "json"

Dotenv.load(".env.#{ENV.fetch("RAILS_ENV", "production")}")

# One line a boot, so that a test sees who was reloaded and who was not.
module Boot
  def self.note(unit)
    FileUtils.mkdir_p("log")
    File.open("log/#{unit}.boots", "a") { |file| file.puts(JSON.generate(pid: Process.pid, env: ENV.to_h)) }
  end
end

# As Mastodon has it: with sentinels they are asked where the master is.
def redis_options
  {
    host: ENV.fetch("REDIS_HOST", "localhost"),
    port: Integer(ENV.fetch("REDIS_PORT", "6379")),
    db: Integer(ENV.fetch("REDIS_DB", "0")),
    password: ENV.fetch("REDIS_PASSWORD", nil),
    **sentinel_options
  }
end

def sentinel_options
  return {} unless ENV.key?("REDIS_SENTINELS")

  sentinels = ENV["REDIS_SENTINELS"].split(",").map { |place| %i[host port].zip(place.split(":")).to_h }
  { host: ENV.fetch("REDIS_SENTINEL_MASTER"), sentinels:, role: :master }
end
