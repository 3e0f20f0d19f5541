/** Keeps the status page fresh and gives it its tools. Without it the page is a still picture that can be read all the same. */
import { keepAges } from "./ages.js";
import { filterSettings } from "./filter.js";
import { listen } from "./live.js";
import { swap } from "./swap.js";
import { zoomTimeline } from "./timeline.js";

const ages = keepAges();
const timeline = zoomTimeline(ages.nowMs);
const filter = filterSettings();

listen({
  onSection: (section) => {
    if (!swap(section)) return;
    ages.refresh();
    if (section.id === "timeline") timeline.refresh();
    if (section.id === "settings") filter.refresh();
    const title = document.querySelector("[data-title]")?.getAttribute("data-title");
    if (title) document.title = title;
  },
  onClock: ages.set,
});
