# Web's half of the stand-in: a Rack application that reads its configuration as Mastodon does and really
# uses the backends that it names.

require_relative "environment"
require_relative "jobs"
require "pg"
require "redis"

Boot.note("web")
Sidekiq.configure_client { |config| config.redis = redis_options }

def json(value, status = 200)
  [status, { "Content-Type" => "application/json" }, [JSON.generate(value)]]
end

def connect
  PG.connect(
    host: ENV.fetch("DB_HOST"), port: ENV.fetch("DB_PORT", "5432"), dbname: ENV.fetch("DB_NAME"),
    user: ENV.fetch("DB_USER"), password: ENV.fetch("DB_PASS", nil), connect_timeout: 3
  )
end

def database
  connection = connect
  connection.exec("select host(inet_server_addr()) as host, inet_server_port() as port, pg_is_in_recovery() as standby").first
ensure
  connection&.close
end

# On a connection that is kept, as Rails keeps its pool: only one that broke is replaced, and a primary that was
# demoted breaks none.
def write(text)
  connection = Thread.current[:connection] ||= connect
  connection.exec_params("insert into notes (text) values ($1)", [text])
  { written: text }
rescue PG::UnableToSend, PG::ConnectionBad
  Thread.current[:connection] = nil
  raise
end

def redis
  connection = Redis.new(**redis_options, timeout: 3)
  connection.set("stand-in", "was here")
  { host: ENV.fetch("REDIS_HOST", "localhost"), port: connection.info("server").fetch("tcp_port") }
ensure
  connection&.close
end

def enqueue(text)
  { jid: NoteJob.perform_async(text) }
end

run(lambda do |request|
  case request["PATH_INFO"]
  when "/health" then [200, { "Content-Type" => "text/plain" }, ["OK"]]
  when "/env" then json(ENV.to_h)
  when "/db" then json(database)
  when "/write" then json(write(request["QUERY_STRING"]))
  when "/redis" then json(redis)
  when "/enqueue" then json(enqueue(request["QUERY_STRING"]))
  else json({ error: "not found" }, 404)
  end
rescue StandardError => e
  json({ error: e.class.name, message: e.message.strip }, 503)
end)
