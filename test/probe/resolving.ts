import dns from "node:dns";
import { vi } from "vitest";

/** There is no name server in a test: names are looked up here. */
export function resolving(lookUp: (name: string) => string | undefined): Disposable {
  const spy = vi.spyOn(dns, "lookup").mockImplementation((...words: readonly unknown[]) => {
    const [name, answer] = [String(words[0]), words.at(-1)];
    const address = lookUp(name);
    const error = address === undefined ? Object.assign(new Error(name), { code: "ENOTFOUND" }) : null;
    if (typeof answer === "function") answer(error, [{ address, family: 4 }]);
  });
  return { [Symbol.dispose]: () => spy.mockRestore() };
}
