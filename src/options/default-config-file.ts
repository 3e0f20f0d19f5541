/** Separate from its reader, so that `--help` can name it without loading a YAML parser. */
export const DEFAULT_CONFIG_FILE = "/usr/local/etc/mastodon-agent.yaml";
