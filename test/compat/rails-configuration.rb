# frozen_string_literal: true

# What Mastodon's own configuration makes of a .env.production, as JSON. Its files are evaluated as they are in the
# checkout; only Rails and the libraries that they configure are stood in for.
# usage: ruby rails-configuration.rb CHECKOUT ENV_FILE

require 'active_support/all'
require 'addressable/uri'
require 'dotenv'
require 'erb'
require 'ipaddr'
require 'json'
require 'ostruct'
require 'yaml'

CHECKOUT, env_file = ARGV
ENV['RAILS_ENV'] = 'production'
Dotenv.load(env_file)

module Sidekiq
  def self.server? = false
end

module Rails
  Configuration = Struct.new(:x, :action_controller, :action_mailer, :active_record, :action_dispatch, :hosts,
                             :host_authorization, :content_security_policy)

  class Application
    def config
      @config ||= Configuration.new(*Array.new(5) { OpenStruct.new }, []).tap do |config|
        config.active_record.encryption = OpenStruct.new
      end
    end

    def configure(&) = instance_eval(&)
    def reloader = self
    def to_prepare = nil
  end

  def self.application = @application ||= Application.new
  def self.configuration = application.config
  def self.env = ActiveSupport::StringInquirer.new('production')
end

module Paperclip
  DataUriAdapter = ResponseWithLimitAdapter = Class.new { def self.register = nil }
  Attachment = Class.new { singleton_class.attr_accessor :default_options }
  Attachment.default_options = {}
  def self.interpolates(_name) = nil
  Storage = Module.new
  Storage::S3 = Module.new
end

module Chewy
  class << self
    attr_accessor :settings, :root_strategy, :request_strategy, :use_after_commit_callbacks
  end
end

Faraday = OpenStruct.new
Mastodon = Module.new

# The libraries that a configuration file asks for are not what is looked at.
module Kernel
  alias required require
  def require(name) = %w[aws-sdk-s3 fog/openstack paperclip-azure].include?(name) || required(name)
end

# As ActiveSupport::ConfigurationFile does.
def evaluated(file) = YAML.unsafe_load(ERB.new(File.read(file)).result)
def path(*parts) = File.join(CHECKOUT, *parts)

def config_for(name)
  all = evaluated(path('config', "#{name}.yml"))
  (all['shared'] || {}).merge(all['production'] || {})
end

%w[redis_configuration email_configuration_helper].each { |name| required path('lib', 'mastodon', name) }
%w[1_hosts active_record_encryption allowed_private_addresses chewy email_domains_lists paperclip].each do |name|
  load path('config', 'initializers', "#{name}.rb")
end
required path('app', 'lib', 'content_security_policy')

email = config_for('email')
redis = Mastodon::RedisConfiguration.new
x = Rails.configuration.x

puts JSON.generate(
  database: evaluated(path('config', 'database.yml'))['production'],
  redis: { base: redis.base, sidekiq: redis.sidekiq, cache: redis.cache.slice(:url, :name, :sentinels) },
  email: email,
  smtp: Mastodon::EmailConfigurationHelper.convert_smtp_settings(email['smtp_settings'].symbolize_keys),
  storage: Paperclip::Attachment.default_options.except(:s3_permissions),
  hosts: { local: x.local_domain, web: x.web_domain, alternate: x.alternate_domains, streaming: x.streaming_api_base_url },
  media: ContentSecurityPolicy.new.media_hosts,
  search: Chewy.settings,
  domains: { deny: x.email_domains_denylist, allow: x.email_domains_allowlist },
  private: x.private_address_exceptions.map(&:to_s),
  vapid: config_for('vapid'),
  translation: config_for('translation'),
  cache_buster: config_for('cache_buster'),
  encryption: Rails.configuration.active_record.encryption.to_h
)
