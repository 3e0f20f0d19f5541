/** Listens to the agent. A lost connection is shown plainly, and retried until it is back. */

/** Without a heartbeat for this long the connection is dead, even if the system has not noticed: that is three missed. */
const SILENCE_MS = 45_000;
const AGAIN_MS = 5000;

/**
 * @param {object} listeners
 * @param {(section: import("./swap.js").Section) => void} listeners.onSection
 * @param {(now: string) => void} listeners.onClock the agent's time
 * @param {(isAway: boolean) => void} listeners.onAway
 */
export function listen({ onSection, onClock, onAway }) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;

  const open = () => {
    source?.close();
    source = new EventSource("/events");
    source.addEventListener("section", ({ data }) => onSection(JSON.parse(data)));
    source.addEventListener("beat", ({ data }) => {
      const { version, now } = JSON.parse(data);
      if (version !== document.documentElement.dataset["version"]) location.reload();
      onClock(now);
      onAway(false);
      expectBeat(SILENCE_MS);
    });
    source.addEventListener("error", () => {
      onAway(true);
      // Refused, because too many pages listen: the browser does not reconnect by itself.
      if (source?.readyState === EventSource.CLOSED) expectBeat(AGAIN_MS);
    });
    expectBeat(SILENCE_MS);
  };
  /** @param {number} withinMs */
  const expectBeat = (withinMs) => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      onAway(true);
      open();
    }, withinMs);
  };

  open();
}
