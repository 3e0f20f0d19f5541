import { expect, test } from "vitest";
import * as answers from "../../src/consul/answers.ts";
import { candidatesOf } from "../../src/settings/choose.ts";
import { readCatalogue, readSentinels } from "../../src/sources/catalogue.ts";

/** An entry of `/v1/health/service/NAME`, with what Consul sends beside it. */
const good = {
  Node: { ID: "1c1c", Node: "db1", Address: "10.0.0.1", Datacenter: "dc1" },
  Service: {
    ID: "pg1",
    Service: "postgresql",
    Address: "10.0.0.1",
    Port: 5432,
    Tags: ["primary"],
    Meta: {},
    ModifyIndex: 7,
  },
  Checks: [{ Name: "alive", Status: "passing", Output: "" }],
};
const { Port: _, ...withoutPort } = good.Service;

test("a service without a port, which newer versions of Consul leave out, has port 0", () => {
  const [instance] = answers.instances.parse([{ ...good, Service: withoutPort }]);
  expect(instance).toMatchObject({ id: "pg1", host: "10.0.0.1", port: 0 });
  expect(instance?.fault).toBeUndefined();
});

test("a service with several ports has the default one", () => {
  const Ports = [
    { Name: "metrics", Port: 9187, Default: false },
    { Name: "sql", Port: 5433, Default: true },
  ];
  const [instance] = answers.instances.parse([{ ...good, Service: { ...withoutPort, Ports } }]);
  expect(instance?.port).toBe(5433);
});

test("an empty text, list or object may be left out", () => {
  const bare = { Node: { Node: "db1", Address: "10.0.0.1" }, Service: { ID: "pg1" } };
  expect(answers.instances.parse([bare])).toEqual([
    { id: "pg1", node: "db1", host: "10.0.0.1", port: 0, tags: [], failing: [], modifyIndex: 0 },
  ]);
});

test.each(["connect-proxy", "mesh-gateway"])(
  "a %s under the service's name is no instance, and its tags count for nothing",
  (Kind) => {
    const sidecar = { ...good, Service: { ...good.Service, ID: "pg1-sidecar-proxy", Port: 21000, Kind } };
    const found = answers.instances.parse([
      sidecar,
      { ...good, Service: { ...good.Service, Kind: "", Tags: [] } },
    ]);
    const { instances, refusals } = readCatalogue("postgres", found);
    expect(candidatesOf(instances).map(({ id }) => id)).toEqual(["pg1"]);
    expect(refusals[0]?.complaint).toMatchObject({
      where: "service pg1-sidecar-proxy on node db1",
      what: expect.stringMatching(new RegExp(`a ${Kind}, not the service itself`)),
    });
  },
);

test.each([
  ["a port that is a text", { Service: { ...good.Service, ID: "odd", Port: "5432" } }, /Service\.Port/],
  ["no service", { Service: null }, /Service/],
  ["a check without a state", { Service: { ...good.Service, ID: "odd" }, Checks: [{ Name: "x" }] }, /Status/],
])("an entry with %s is refused by itself, and the others count", (_case, change, reason) => {
  const found = answers.instances.parse([{ ...good, Node: { Node: "db2" }, ...change }, good]);
  const { instances, refusals } = readCatalogue("postgres", found);
  expect(instances.filter(({ fault }) => fault === undefined).map(({ id }) => id)).toEqual(["pg1"]);
  expect(instances.find(({ fault }) => fault !== undefined)).toMatchObject({ node: "db2" });
  expect(refusals).toHaveLength(1);
  expect(refusals[0]?.complaint.where).toContain("on node db2");
  expect(refusals[0]?.complaint.what).toMatch(/not understood/);
  expect(refusals[0]?.complaint.what).toMatch(reason);
});

test("an entry that is not an object is refused by its place in the answer", () => {
  const { instances, refusals } = readCatalogue("postgres", answers.instances.parse([good, 17]));
  expect(instances.filter(({ fault }) => fault === undefined)).toHaveLength(1);
  expect(refusals.map(({ complaint }) => complaint.where)).toEqual(["service ? on node ?"]);
});

test("the role tag of an entry that is not understood still counts", () => {
  const odd = { ...good, Service: { ...good.Service, ID: "odd", Port: "5432" } };
  expect(answers.instances.parse([odd])[0]?.tags).toEqual(["primary"]);
});

test("a sentinel that is not understood is refused, and the others are used", () => {
  const odd = { ...good, Service: { ...good.Service, ID: "odd", Address: 5 } };
  const { instances, refusals } = readSentinels(answers.instances.parse([odd, good]));
  expect(instances.map(({ id }) => id)).toEqual(["pg1"]);
  expect(refusals[0]?.complaint.what).toMatch(/not understood: Service\.Address/);
});

test("of the members, one that is not understood is shown as such and counts as not alive", () => {
  const server = { Name: "s1", Status: 1, Tags: { role: "consul" } };
  expect(answers.members.parse([{ Name: "odd", Status: "alive" }, "?", server])).toEqual([
    { name: "odd", isAlive: false, isServer: false, fault: expect.stringMatching(/^Status: /) },
    { name: "?", isAlive: false, isServer: false, fault: expect.any(String) },
    { name: "s1", isAlive: true, isServer: true },
  ]);
});

test("of the local client's services and checks, those that are not understood are left out", () => {
  expect(answers.localServices.parse({ a: { ID: "a", Service: "redis" }, odd: { ID: 5 } })).toEqual([
    { id: "a", name: "redis", address: "", port: 0, tags: [], meta: {} },
  ]);
  expect(answers.localChecks.parse({ a: { CheckID: "a", Status: "warning" }, odd: [] })).toEqual([
    { id: "a", service: "", name: "", notes: "", status: "warning", output: "" },
  ]);
});

test("what is not a list is not an answer", () => {
  for (const schema of [answers.instances, answers.members, answers.localServices]) {
    expect(schema.safeParse("no").success).toBe(false);
  }
});
