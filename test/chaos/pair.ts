import type { CheckStatus, ConsulHttp } from "../world/consul-http.ts";
import { startTcpProxy, type TcpProxy } from "../world/tcp-proxy.ts";
import type { Random } from "./random.ts";

/** A backend that can be stopped, started, and where it knows roles, made a primary or a replica. */
export interface Server {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  promote(): Promise<void>;
  follow(other: Server): Promise<void>;
}

/** One instance of a dependency as it is now, with a proxy in front of it that the catalogue names. */
export interface Instance {
  readonly id: string;
  readonly server: Server;
  readonly proxy: TcpProxy;
  isUp: boolean;
  isRegistered: boolean;
  status: CheckStatus;
  tag: "primary" | "replica";
}

/** Two instances of one dependency, of which one should be the primary. */
export interface Pair extends AsyncDisposable {
  readonly service: string;
  readonly instances: readonly [Instance, Instance];
  readonly stop: (instance: Instance) => Promise<void>;
  readonly start: (instance: Instance) => Promise<void>;
  /** Tells the catalogue what the instance is said to be. */
  readonly register: (instance: Instance) => Promise<void>;
  readonly deregister: (instance: Instance) => Promise<void>;
  /** Makes the first the primary and the second its replica, on the servers and in the catalogue, as far as they are up. */
  readonly lead: (primary: Instance, replica: Instance) => Promise<void>;
  /** Everything up and registered, and one of the two the primary: who that is. */
  readonly heal: (random: Random) => Promise<Instance>;
}

export async function makePair(
  service: string,
  servers: readonly [Server, Server],
  consul: ConsulHttp,
): Promise<Pair> {
  const one = await makeInstance(`${service}-1`, servers[0], "primary");
  const two = await makeInstance(`${service}-2`, servers[1], "replica");
  const instances = [one, two] as const;
  const entry = ({ id, proxy, tag, status }: Instance) => ({
    id,
    node: `node-of-${id}`,
    service,
    address: proxy.host,
    port: proxy.port,
    tags: [tag],
    status,
  });
  const register = async (instance: Instance) => {
    instance.isRegistered = true;
    await consul.register(entry(instance));
  };
  const deregister = async (instance: Instance) => {
    if (!instance.isRegistered) return;
    instance.isRegistered = false;
    await consul.deregister(entry(instance));
  };
  const stop = async (instance: Instance) => {
    instance.isUp = false;
    await instance.server.stop();
  };
  const start = async (instance: Instance) => {
    if (instance.isUp) return;
    await instance.server.start();
    instance.isUp = true;
  };
  const lead = async (primary: Instance, replica: Instance) => {
    if (primary.isUp) await primary.server.promote();
    if (replica.isUp) await replica.server.follow(primary.server);
    primary.tag = "primary";
    replica.tag = "replica";
    for (const instance of [replica, primary]) {
      instance.status = instance.isUp ? "passing" : "critical";
      await register(instance);
    }
  };
  return {
    service,
    instances,
    stop,
    start,
    register,
    deregister,
    lead,
    heal: async (random) => {
      for (const instance of instances) {
        await instance.proxy.set("pass");
        await start(instance);
      }
      const [primary, replica] = random.chance(0.5) ? instances : ([two, one] as const);
      await lead(primary, replica);
      return primary;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { proxy } of instances) await proxy[Symbol.asyncDispose]();
    },
  };
}

async function makeInstance(id: string, server: Server, tag: Instance["tag"]): Promise<Instance> {
  const proxy = await startTcpProxy(server);
  return { id, server, proxy, isUp: true, isRegistered: false, status: "passing", tag };
}
