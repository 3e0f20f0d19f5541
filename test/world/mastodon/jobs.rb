require "sidekiq"

class NoteJob
  include Sidekiq::Worker

  def perform(text)
    File.open("log/jobs", "a") { |file| file.puts(text) }
  end
end
