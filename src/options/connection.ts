import { readFileSync } from "node:fs";
import { Misconfigured, messageOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { ConsulConnection } from "../consul/create-client.ts";
import type { Environment } from "../sources/environment.ts";

/**
 * How to reach the Consul client's HTTP API, from the variables that `consul` itself uses.
 *
 * @param configured the address of the configuration file; `CONSUL_HTTP_ADDR` takes precedence over it, as over any
 * default
 * @throws Misconfigured for an invalid address, a token given twice, or a file that cannot be read
 */
export function readConnection(environment: Environment, configured: string): ConsulConnection {
  const token = readToken(environment);
  const pem = (name: string) => readFileNamed(name, environment);
  const [caCert, clientCert, clientKey] = [
    pem("CONSUL_CACERT"),
    pem("CONSUL_CLIENT_CERT"),
    pem("CONSUL_CLIENT_KEY"),
  ];
  const namespace = environment["CONSUL_NAMESPACE"] || undefined;
  return {
    address: readAddress(environment, configured),
    sslVerify: !isFalse(environment["CONSUL_HTTP_SSL_VERIFY"]),
    ...(token !== undefined && { token }),
    ...(caCert !== undefined && { caCert }),
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
    ...(namespace !== undefined && { namespace }),
  };
}

/** `consul` accepts an address with or without a scheme; without one `CONSUL_HTTP_SSL` decides. */
function readAddress(environment: Environment, configured: string): string {
  const given = environment["CONSUL_HTTP_ADDR"] || undefined;
  if (given === undefined) return configured;
  if (given.startsWith("unix:")) throw isSocket();
  const scheme = isTrue(environment["CONSUL_HTTP_SSL"]) ? "https" : "http";
  const address = given.includes("://") ? given : `${scheme}://${given}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new Misconfigured({
    where: "CONSUL_HTTP_ADDR",
    what: "not an address that the agent can use: expected host:port or a http or https URL",
    cure: "Example: CONSUL_HTTP_ADDR=http://127.0.0.1:8500",
  });
}

/** `consul` itself accepts one. */
function isSocket(): Misconfigured {
  return new Misconfigured({
    where: "CONSUL_HTTP_ADDR",
    what: "a Unix socket, which the agent does not support",
    cure: "Make the client listen on loopback too (`ports.http` and `client_addr` in its configuration) and use that, for example CONSUL_HTTP_ADDR=http://127.0.0.1:8500",
  });
}

function readToken(environment: Environment): Secret | undefined {
  const direct = environment["CONSUL_HTTP_TOKEN"] || undefined;
  if (direct !== undefined && environment["CONSUL_HTTP_TOKEN_FILE"]) {
    const where = "CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE";
    throw new Misconfigured({ where, what: "both are set", cure: "Keep one of them." });
  }
  const text = direct ?? readFileNamed("CONSUL_HTTP_TOKEN_FILE", environment)?.trim();
  return text === undefined ? undefined : new Secret(text);
}

function readFileNamed(variable: string, environment: Environment): string | undefined {
  const file = environment[variable] || undefined;
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const cure = "Correct the path, or let the agent's user read the file.";
    throw new Misconfigured({ where: `${variable}=${file}`, what: messageOf(error), cure }, { cause: error });
  }
}

function isTrue(text = ""): boolean {
  return ["1", "t", "true"].includes(text.toLowerCase());
}

function isFalse(text = ""): boolean {
  return ["0", "f", "false"].includes(text.toLowerCase());
}
