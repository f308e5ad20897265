// The page: which layer and filter are chosen, the address that holds both, the window and the printer.
// Choose a layer, and a filter of it: its best where none is named.
function choose(layer, filter = null, focus = false) {
  const elsewhere = layer !== chosen.layer || chosen.filter === null;
  chosen.layer = layer;
  chosen.filter = filter ?? filtersOf(layer)[0]?.filter ?? null;
  if (elsewhere) drawLayer();
  markRow(chosen.filter, focus);
  if (chosen.filter === null)
    panel.replaceChildren(make("h2", { id: "panel-title" }, "No filter of this layer is on this page."));
  else showFilter(layer, chosen.filter, stepFilter);
  history.replaceState(null, "", `#${encodeURIComponent(LAYERS[layer].name)}/${chosen.filter ?? ""}`);
}

function stepFilter(by) {
  const filters = listedFilters();
  const here = filters.findIndex((filter) => filter.filter === chosen.filter);
  const next = filters[Math.min(Math.max(here + by, 0), filters.length - 1)];
  if (next) choose(chosen.layer, next.filter);
}

function drawLayer() {
  listLayer(chosen.layer, (filter, focus) => choose(chosen.layer, filter, focus));
  markStrip();
  drawCurves();
  drawComplexity();
  drawLayerCharts();
}

// Layer and filter of an address such as #conv4_3/17; the last layer where it names none.
function chooseFromAddress() {
  const [, name, filter] = location.hash.match(/^#(.*?)(?:\/(\d*))?$/) ?? [];
  let wantedName = name;
  try {
    wantedName = decodeURIComponent(name ?? "");
  } catch {
    wantedName = name;
  }
  const layer = LAYERS.findIndex((each) => each.name === wantedName);
  const place = layer < 0 ? LAYERS.length - 1 : layer;
  const known = layer >= 0 && filter && filterOf(place, Number(filter));
  choose(place, known ? Number(filter) : null);
}

function drawAll() {
  drawCurves();
  drawComplexity();
  drawLayerCharts();
  drawHistory();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("filters").focus();
});
makeStrip();
makeOverview();
chooseFromAddress();
drawHistory();
addEventListener("hashchange", chooseFromAddress);

let width = innerWidth;
new ResizeObserver(() => {
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
  drawMatrices();
}).observe(document.body);
addEventListener("beforeprint", () => {
  setTheme("light");
  [...body.rows].slice(0, PRINTED).forEach((row) => paintRow(row.querySelector("canvas")));
});
addEventListener("afterprint", () => setTheme(wantedTheme()));
