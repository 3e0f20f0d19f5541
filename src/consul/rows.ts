import * as z from "zod";
import { visible } from "../base/visible.ts";

/** Long enough for the path to a field and what is wrong with it. */
const LONGEST_FAULT = 200;

/**
 * A list whose rows are judged one by one: an entry that is not understood must not hide the others. It becomes what
 * `misread` makes of it.
 */
export function rows<Row>(row: z.ZodType<Row>, misread: (raw: unknown, fault: string) => Row) {
  return z.array(z.unknown()).transform((all) =>
    all.map((raw) => {
      const { data, error } = row.safeParse(raw);
      return error === undefined ? data : misread(raw, faultIn(error));
    }),
  );
}

/** The same for a list that comes as an object, by ID; what is not understood is left out. */
export function entries<Row>(row: z.ZodType<Row>) {
  return z
    .record(z.string(), z.unknown())
    .transform((all) => Object.values(all).flatMap((raw) => row.safeParse(raw).data ?? []));
}

/** The path names are somebody else's text. */
function faultIn({ issues }: z.ZodError): string {
  const faults = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  return visible(faults.join("; "), LONGEST_FAULT);
}
