/** Gives each command a button that copies it. */

const SHOWN_MS = 2000;

export function copyCommands() {
  document.documentElement.classList.add("scripted");
  document.addEventListener("click", async ({ target }) => {
    if (!(target instanceof HTMLButtonElement) || !target.matches(".copy")) return;
    const code = target.parentElement?.querySelector("code");
    if (!code) return;
    const isCopied = await copy(code);
    say(
      target,
      isCopied ? "copied" : "press Ctrl+C",
      isCopied ? `Copied: ${code.textContent}` : "Not copied: press Ctrl+C",
    );
  });
}

/**
 * Only pages from this machine or over https may use the clipboard; elsewhere the selection is copied, as with the
 * keys.
 *
 * @param {Element} code
 */
async function copy(code) {
  getSelection()?.selectAllChildren(code);
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

/**
 * Shown for a moment, and announced once to screen readers.
 *
 * @param {HTMLButtonElement} button
 * @param {string} word
 * @param {string} sentence
 */
function say(button, word, sentence) {
  const note = document.getElementById("copied");
  if (note) note.textContent = sentence;
  button.textContent = word;
  setTimeout(() => (button.textContent = "copy"), SHOWN_MS);
}
