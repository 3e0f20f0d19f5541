// `import http from "node:http"` asks an ES module for all of http's names at once, and one of them (WebSocket) brings
// Node's whole fetch along: 11 MB of resident memory. node:https brings OpenSSL's tables: 6 MB, for those who speak
// plain HTTP to their Consul. In the bundle both are looked up name by name, when they are used.

const MODULES = ["http", "https"];
const NAMESPACE = "lazy-builtin";

/** An esbuild plugin. */
export const lazyBuiltins = {
  name: NAMESPACE,
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({
      path: path.replace(/^node:/, ""),
      namespace: NAMESPACE,
    }));
    onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => ({ contents: await lazily(path) }));
  },
};

async function lazily(name) {
  if (!MODULES.includes(name)) throw new Error(`${name} is not looked up lazily`);
  const names = Object.keys(await import(`node:${name}`)).filter((key) => key !== "default");
  return [
    `const load = () => process.getBuiltinModule("node:${name}");`,
    "Object.defineProperties(module.exports, {",
    ...names.map((key) => `  ${key}: { enumerable: true, get: () => load().${key} },`),
    "});",
  ].join("\n");
}
