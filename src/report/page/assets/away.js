/** Shows that the agent does not answer: in the headline, and in the tab's title and icon. */

/** @param {() => void} refreshAges */
export function sayWhenAway(refreshAges) {
  let isAway = false;
  let heardAt = document.documentElement.dataset["now"] ?? "";

  const refresh = () => {
    document.documentElement.classList.toggle("away", isAway);
    const state = document.querySelector(".state");
    const { node, state: word } = state instanceof HTMLElement ? state.dataset : {};
    document.title = `${isAway ? "agent away" : word} · ${node}`;
    const verb = state?.querySelector(".verb");
    if (verb) verb.textContent = isAway ? "was" : "is";
    showIcon(isAway);
    showNote(isAway, heardAt);
    refreshAges();
  };
  /** @param {boolean} next */
  const set = (next) => {
    if (next === isAway) return;
    isAway = next;
    refresh();
  };
  /** @param {string} now */
  const heard = (now) => {
    heardAt = now;
  };
  return { set, heard, refresh };
}

/** @param {boolean} isAway */
function showIcon(isAway) {
  const icon = document.querySelector("link[rel=icon]");
  const name = isAway ? "data-away" : "data-here";
  if (icon) icon.setAttribute("href", icon.getAttribute(name) ?? "");
}

/**
 * @param {boolean} isAway
 * @param {string} heardAt
 */
function showNote(isAway, heardAt) {
  const note = document.getElementById("connection");
  const time = note?.querySelector("time");
  if (time) {
    time.dateTime = heardAt;
    time.textContent = `${heardAt.slice(0, 10)} ${heardAt.slice(11, 19)} UTC`;
  }
  note?.toggleAttribute("hidden", !isAway);
}
