/** The few calls that the world itself makes to Consul, by plain fetch: independent of the code under test. */
export interface ConsulHttp {
  isReady(): Promise<boolean>;
  put(key: string, value: string | Uint8Array): Promise<void>;
  get(key: string): Promise<string | undefined>;
  delete(key: string): Promise<void>;
  deleteRecursively(prefix: string): Promise<void>;
  /** Enters an instance and its check into the catalogue, as on a node without an agent. */
  register(instance: CatalogueInstance): Promise<void>;
  setCheck(instance: CatalogueInstance, status: CheckStatus, output?: string): Promise<void>;
  deregister(instance: CatalogueInstance): Promise<void>;
  /** Makes a token with one policy of these rules and returns its secret. */
  createToken(rules: string): Promise<string>;
  /** Any other call: the parsed answer, or its text where it is no JSON. Throws unless it is a 2xx. */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
}

export type CheckStatus = "passing" | "warning" | "critical";

export interface CatalogueInstance {
  readonly id: string;
  readonly service: string;
  readonly address?: string;
  readonly port: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** Its node is named after the instance where none is given. */
  readonly node?: string;
  readonly nodeAddress?: string;
  readonly status?: CheckStatus;
}

export function consulHttp(address: string, token: string | undefined): ConsulHttp {
  const request = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${address}${path}`, {
      method,
      headers: token === undefined ? {} : { "X-Consul-Token": token },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: bodyOf(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new ConsulAnswer(method, path, response.status, text);
    return parsed(text);
  };
  const nothing = async (answer: Promise<unknown>) => void (await answer);
  return {
    request,
    isReady: async () => {
      await request("PUT", "/v1/kv/test-world/ready", "yes");
      return true;
    },
    put: (key, value) => nothing(request("PUT", kvPath(key), value)),
    get: async (key) => {
      try {
        const text = await request("GET", `${kvPath(key)}?raw`);
        return typeof text === "string" ? text : JSON.stringify(text);
      } catch (error) {
        if (error instanceof ConsulAnswer && error.status === 404) return undefined;
        throw error;
      }
    },
    delete: (key) => nothing(request("DELETE", kvPath(key))),
    deleteRecursively: (prefix) => nothing(request("DELETE", `${kvPath(prefix)}?recurse`)),
    register: (instance) => nothing(request("PUT", "/v1/catalog/register", registration(instance))),
    setCheck: (instance, status, output) =>
      nothing(request("PUT", "/v1/catalog/register", checkOnly(instance, status, output))),
    deregister: (instance) =>
      nothing(
        request("PUT", "/v1/catalog/deregister", { Node: nodeOf(instance).Node, ServiceID: instance.id }),
      ),
    createToken: (rules) => createToken(request, rules),
  };
}

class ConsulAnswer extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, text: string) {
    super(`${method} ${path}: ${status} ${text.trim()}`);
    this.status = status;
  }
}

function bodyOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === "string" ? body : JSON.stringify(body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function kvPath(key: string): string {
  return `/v1/kv/${key.split("/").map(encodeURIComponent).join("/")}`;
}

function nodeOf(instance: CatalogueInstance) {
  const address = instance.nodeAddress ?? instance.address ?? "127.0.0.1";
  return { Node: instance.node ?? `node-of-${instance.id.replaceAll("/", "-")}`, Address: address };
}

function registration(instance: CatalogueInstance): object {
  return {
    ...nodeOf(instance),
    Service: {
      ID: instance.id,
      Service: instance.service,
      Address: instance.address ?? "",
      Port: instance.port,
      Tags: instance.tags ?? [],
      Meta: instance.meta ?? {},
    },
    Check: checkOf(instance, instance.status ?? "passing"),
  };
}

function checkOnly(instance: CatalogueInstance, status: CheckStatus, output?: string): object {
  return { ...nodeOf(instance), SkipNodeUpdate: true, Check: checkOf(instance, status, output) };
}

function checkOf(instance: CatalogueInstance, status: CheckStatus, output = ""): object {
  return {
    CheckID: `service:${instance.id}`,
    Name: `Service '${instance.service}' check`,
    Status: status,
    ServiceID: instance.id,
    Output: output,
  };
}

async function createToken(request: ConsulHttp["request"], rules: string): Promise<string> {
  const name = `policy-${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
  await request("PUT", "/v1/acl/policy", { Name: name, Rules: rules });
  const answer = await request("PUT", "/v1/acl/token", { Description: name, Policies: [{ Name: name }] });
  const secret =
    typeof answer === "object" && answer !== null && "SecretID" in answer ? answer.SecretID : undefined;
  if (typeof secret !== "string") throw new Error("Consul's answer to a new token has no SecretID");
  return secret;
}
