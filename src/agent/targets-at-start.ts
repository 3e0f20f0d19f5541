import { targetOf } from "../apply/target.ts";
import type { TemplatedFile } from "../options/templates.ts";
import type { Options } from "../options.ts";
import type { Log } from "../report/log.ts";

/** Each file with the place where its path leads: links are followed once, and never again as long as the agent runs. */
export async function withTargets(options: Options, log: Log): Promise<Options> {
  const settle = async ({ spec, ...file }: TemplatedFile): Promise<TemplatedFile> => {
    const target = await targetOf(spec.path);
    if (target !== spec.path) log.info({ file: spec.path, target }, "a link: its target is what is replaced");
    return { ...file, spec: { ...spec, target } };
  };
  return {
    ...options,
    files: await Promise.all(options.files.map(settle)),
    clientFile: options.clientFile && (await settle(options.clientFile)),
  };
}
