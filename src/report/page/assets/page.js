/** Keeps the status page up to date and gives it its tools. Without it the page is static but readable. */
import { keepAges } from "./ages.js";
import { sayWhenAway } from "./away.js";
import { copyCommands } from "./copy.js";
import { filterSettings } from "./filter.js";
import { listen } from "./live.js";
import { swap } from "./swap.js";
import { zoomTimeline } from "./timeline.js";

const ages = keepAges();
const away = sayWhenAway(ages.refresh);
const timeline = zoomTimeline(ages.nowMs);
const filter = filterSettings();
copyCommands();

listen({
  onSection: (section) => {
    if (!swap(section)) return;
    ages.refresh();
    if (section.id === "headline") away.refresh();
    if (section.id === "timeline") timeline.refresh();
    if (section.id === "settings") filter.refresh();
  },
  onClock: (now) => {
    ages.set(now);
    away.heard(now);
  },
  onAway: away.set,
});
