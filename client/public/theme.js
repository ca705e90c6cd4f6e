// Runs before the first paint, so that nobody sees the other theme flash by. A file of its own: the content security
// policy allows no inline script. The key is the one of `src/app/theme/colorScheme.ts`.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("msp.color-scheme");
  } catch {
    // Storage can be switched off; the system's theme then applies.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
