/**
 * @typedef {object} Section
 * @property {string} id of the element whose content it is
 * @property {string} digest
 * @property {string} html made by the agent, with everything from outside escaped
 */

/**
 * Replaces a section's content. What the reader has done there stays: focus, open details and scroll position.
 *
 * @param {Section} section
 * @returns {boolean} whether it was different
 */
export function swap({ id, digest, html }) {
  const element = document.getElementById(id);
  if (element === null || element.dataset["digest"] === digest) return false;
  const open = new Set([...element.querySelectorAll("details[open]")].map(keyOf));
  const focused = focusIn(element);

  element.innerHTML = html;
  element.dataset["digest"] = digest;

  for (const details of element.querySelectorAll("details")) details.open = open.has(keyOf(details));
  if (focused !== undefined)
    focusables(element)
      .find((each) => nameOf(each) === focused)
      ?.focus({ preventScroll: true });
  return true;
}

/** @param {HTMLElement} element */
function focusIn(element) {
  const focused = focusables(element).find((each) => each === document.activeElement);
  return focused && nameOf(focused);
}

/**
 * @param {HTMLElement} element
 * @returns {HTMLElement[]}
 */
function focusables(element) {
  return [...element.querySelectorAll("summary, a, button, [tabindex]")].filter(
    (each) => each instanceof HTMLElement,
  );
}

/**
 * Says which one it is, before and after.
 *
 * @param {HTMLElement} element
 */
function nameOf(element) {
  const key = element.closest("[data-key]")?.getAttribute("data-key") ?? "";
  return `${element.tagName} ${key} ${element.getAttribute("href") ?? ""}`;
}

/** @param {Element} element */
function keyOf(element) {
  return element.getAttribute("data-key");
}
