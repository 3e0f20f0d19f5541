// `import { format } from "node:util"` has Node look up all names of util at once, and some of them bring much more
// along: Node's diff and parsers (3 MB in a Node that does nothing else), OpenSSL's tables (https: 6 MB), the whole of
// fetch (http's WebSocket: 11 MB). In the bundle only the names that are used are looked up.

import { builtinModules } from "node:module";

/** These are costly as a whole, or never needed: they are loaded when a name of theirs is first used. */
const WHEN_USED = ["assert", "http", "https", "tls", "tty", "worker_threads", "zlib"];

const [BY_NAME, LAZY] = ["builtin-by-name", "lazy-builtin"];

/** An esbuild plugin. */
export const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(node:)?(${builtinModules.join("|")})$`) }, ({ path, kind }) => {
      const name = path.replace(/^node:/, "");
      if (WHEN_USED.includes(name)) return { path: name, namespace: LAZY };
      // What is required is looked up by name already.
      if (kind === "require-call") return { path: `node:${name}`, external: true };
      return { path: name, namespace: BY_NAME };
    });
    onLoad({ filter: /.*/, namespace: BY_NAME }, async ({ path }) => ({ contents: await byName(path) }));
    onLoad({ filter: /.*/, namespace: LAZY }, async ({ path }) => ({ contents: await whenUsed(path) }));
  },
};

/** Names that nobody imports are left out of the bundle, since looking them up is marked as pure. */
async function byName(module) {
  return [
    `const builtin = process.getBuiltinModule("node:${module}");`,
    "const at = (name) => builtin[name];",
    "export default builtin;",
    ...(await namesOf(module)).map((name) => `export const ${name} = /* @__PURE__ */ at("${name}");`),
  ].join("\n");
}

async function whenUsed(module) {
  const { default: builtin } = await import(`node:${module}`);
  return [
    `const load = () => process.getBuiltinModule("node:${module}");`,
    ...(typeof builtin === "function" ? ["module.exports = (...given) => load()(...given);"] : []),
    "Object.defineProperties(module.exports, {",
    ...(await namesOf(module)).map((name) => `  ${name}: ${KNOWN[name] ?? getterOf(name)},`),
    "});",
  ].join("\n");
}

/** The agent starts no threads, and pino asks at once whether it is in one. */
const KNOWN = { isMainThread: "{ enumerable: true, value: true }" };

function getterOf(name) {
  return `{ enumerable: true, get: () => load().${name} }`;
}

async function namesOf(module) {
  const names = Object.keys(await import(`node:${module}`));
  return names.filter((name) => name !== "default" && name !== "module.exports");
}
