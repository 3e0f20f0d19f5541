/** Shows only the settings that contain the words. */
export function filterSettings() {
  const tools = document.getElementById("filter");
  const input = tools?.querySelector("input");
  const output = tools?.querySelector("output");
  const refresh = () => {
    const words = (input?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const settings = [...document.querySelectorAll(".setting")];
    for (const setting of settings) {
      const text = (setting.textContent ?? "").toLowerCase();
      setting.toggleAttribute("hidden", !words.every((word) => text.includes(word)));
    }
    const shown = settings.filter((setting) => !setting.hasAttribute("hidden"));
    if (output) output.textContent = `${shown.length} of ${settings.length}`;
  };
  tools?.removeAttribute("hidden");
  input?.addEventListener("input", refresh);
  refresh();
  return { refresh };
}
