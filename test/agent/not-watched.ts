import type { DependencyName } from "../../src/settings/dependencies.ts";

/** Service names of an agent that watches none. */
export const NOT_WATCHED: Readonly<Record<DependencyName, string>> = {
  postgres: "",
  redis: "",
  s3: "",
  redis_sidekiq: "",
  redis_cache: "",
  postgres_replica: "",
  elasticsearch: "",
  smtp: "",
};
