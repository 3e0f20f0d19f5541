/** The tools of the documentation. */
import { copyCommands } from "./copy.js";

copyCommands();
