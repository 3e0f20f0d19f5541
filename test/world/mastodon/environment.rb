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

def redis_options
  {
    host: ENV.fetch("REDIS_HOST", "localhost"),
    port: Integer(ENV.fetch("REDIS_PORT", "6379")),
    db: Integer(ENV.fetch("REDIS_DB", "0")),
    password: ENV.fetch("REDIS_PASSWORD", nil)
  }
end
