// The parser of Handlebars by its file. Its index also loads the compiler and its source maps, which are never used
// here and cost a quarter of a megabyte of code.

declare module "handlebars/dist/cjs/handlebars/compiler/base.js" {
  import type Handlebars from "handlebars";

  const base: Pick<typeof Handlebars, "parse">;
  export default base;
}
