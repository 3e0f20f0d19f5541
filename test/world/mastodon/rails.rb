# `bin/rails` in short: the tasks that make and migrate a database, with Mastodon's post-deployment migrations, Rails'
# table of versions and Rails' advisory lock. A migration is Ruby that may call `sql`.

require_relative "environment"
require "pg"
require "zlib"

$stdout.sync = true
TASK = ARGV.fetch(0)
SKIPS = !ENV["SKIP_POST_DEPLOYMENT_MIGRATIONS"].nil?
DATABASE = PG.connect(
  host: ENV.fetch("DB_HOST"), port: ENV.fetch("DB_PORT", "5432"), dbname: ENV.fetch("DB_NAME"),
  user: ENV.fetch("DB_USER"), password: ENV.fetch("DB_PASS"), connect_timeout: 3
)
DATABASE.set_notice_processor { |_| }

FileUtils.mkdir_p("log")
WEB_BOOTS = File.exist?("log/web.boots") ? File.readlines("log/web.boots").size : 0
File.open("log/rails.runs", "a") do |file|
  file.puts(JSON.generate(task: TASK, skips: SKIPS, webBoots: WEB_BOOTS, pid: Process.pid))
end

def sql(text)
  DATABASE.exec(text)
end

def versions
  return [] if sql("select to_regclass('schema_migrations') as name").first["name"].nil?

  sql("select version from schema_migrations").map { |row| row["version"] }
end

def files
  folders = SKIPS ? ["db/migrate"] : ["db/migrate", "db/post_migrate"]
  folders.flat_map { |folder| Dir["#{folder}/*.rb"] }.sort_by { |file| File.basename(file) }
end

def migrate
  lock = 2_053_462_845 * Zlib.crc32(ENV.fetch("DB_NAME"))
  raise "ConcurrentMigrationError" unless sql("select pg_try_advisory_lock(#{lock}) as got").first["got"] == "t"

  sql("create table if not exists schema_migrations (version varchar primary key)")
  files.each do |file|
    version = File.basename(file).to_i.to_s
    next if versions.include?(version)

    puts "== #{version} #{File.basename(file)}: migrating"
    sql("begin")
    eval(File.read(file), binding, file)
    sql("insert into schema_migrations values ('#{version}')")
    sql("commit")
  end
  sql("select pg_advisory_unlock(#{lock})")
end

def seed
  sql("create table if not exists seeds (name text primary key)")
  sql("insert into seeds values ('instance actor') on conflict do nothing")
end

case TASK
when "db:migrate" then migrate
when "db:seed" then seed
when "db:migrate:setup"
  is_new = versions.empty?
  migrate
  seed if is_new
else abort "Don't know how to build task '#{TASK}'"
end
