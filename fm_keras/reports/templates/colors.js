// The palette of the style sheet, light or dark: as the system has it, until a choice is made, which is remembered.
const root = document.documentElement;
const REMEMBERED = "fm_keras theme";
const system = matchMedia("(prefers-color-scheme: dark)");
let palette = null;
const repaints = [];

// Forgotten where the browser stores nothing for files.
function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(REMEMBERED, theme);
  } catch {
    return;
  }
}

function setTheme(theme) {
  root.dataset.theme = theme;
  palette = null;
  byId("theme").setAttribute("aria-checked", theme === "dark");
  repaints.forEach((repaint) => repaint());
}

const wantedTheme = () => remembered() ?? (system.matches ? "dark" : "light");

function rgb(name) {
  palette ??= getComputedStyle(root);
  const hex = palette.getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((from) => Number.parseInt(hex.slice(from, from + 2), 16));
}

const css = (name) => `rgb(${rgb(name).join(",")})`;
const mix = (from, to, share) => from.map((value, place) => Math.round(value + (to[place] - value) * share));

// The color of a field's element, from its share of the largest: light to dark blue, grey where it is negative.
function fieldColor(share) {
  if (share <= 0) return mix(rgb("below"), rgb("negative"), Math.min(1, -share));
  const [low, middle, high] = ["field-low", "field-middle", "field-high"].map(rgb);
  return share < 0.5 ? mix(low, middle, 2 * share) : mix(middle, high, 2 * share - 1);
}

function cellColor(matrix, row, column, kind) {
  if (kind === "field") return fieldColor(matrix.level(row, column));
  if (!matrix.above(row, column)) return rgb("below");
  return rgb(matrix.inCluster(row, column) ? "cluster" : "noise");
}

byId("theme").addEventListener("click", () => {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember(theme);
  setTheme(theme);
});
system.addEventListener("change", () => setTheme(wantedTheme()));
setTheme(wantedTheme());
