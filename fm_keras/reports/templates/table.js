// The filters of a layer: sorted by any column, those of a label or a word alone, thumbnails drawn when they are seen.
const scroll = byId("scroll");
const body = byId("table").tBodies[0];
const BEST = { column: "rank", down: false };
const PRINTED = 20;
let sorting = { ...BEST };
let listed = { layer: null, rows: new Map(), choose: () => {} };

const HEADINGS = [
  { name: "filter", title: "Filter", cell: (filter) => String(filter.filter), up: true },
  {
    name: "labels",
    title: "Clusters",
    left: true,
    cell: clustersText,
    key: clustersText,
    up: true,
  },
  {
    name: "external_noise",
    title: "Noise",
    cell: (filter) => whole(filter.external_noise),
    up: true,
    spare: hasQuality(),
  },
  { name: "snr", title: "SNR", cell: (filter) => decimals(filter.snr, 2) },
  {
    name: "strength",
    title: "Strength",
    unit: "logits",
    cell: (filter) => decimals(filter.strength, 3),
    spare: true,
    needed: () => !hasQuality(),
  },
  {
    name: "quality",
    title: "Quality",
    unit: "nats",
    cell: (filter) => decimals(filter.quality, 5),
    needed: hasQuality,
  },
].filter((heading) => !heading.needed || heading.needed());

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      paintRow(target);
    }
  },
  { root: scroll, rootMargin: "300px" },
);

function paintRow(canvas) {
  const matrix = matrixOf(canvas.filter);
  if (matrix) paintThumbnail(canvas, matrix);
}

function makeHead() {
  const cells = HEADINGS.map(({ name, title, unit, left, spare }) => {
    const button = make(
      "button",
      { type: "button", click: () => sortBy(name) },
      title,
      make("span", { class: "arrow", "aria-hidden": true }),
    );
    return make(
      "th",
      {
        scope: "col",
        class: [left ? "left" : "", spare ? "spare" : ""].join(" ").trim() || null,
        "data-column": name,
        title: unit ?? null,
      },
      button,
    );
  });
  const best = make(
    "button",
    {
      type: "button",
      title: hasQuality() ? "Best first: by quality" : "Best first: by SNR, then signal and strength",
      "aria-label": "Sort best first",
      click: () => sortBy("rank"),
    },
    "Best",
  );
  byId("table").tHead.replaceChildren(
    make("tr", {}, make("th", { scope: "col", "data-column": "rank" }, best), ...cells),
  );
}

function sortBy(name) {
  const first = HEADINGS.find((heading) => heading.name === name);
  sorting =
    name === "rank" ? { ...BEST } : { column: name, down: sorting.column === name ? !sorting.down : !first.up };
  listFilters();
}

function compare(a, b) {
  const key =
    HEADINGS.find((heading) => heading.name === sorting.column)?.key ?? ((filter) => filter[sorting.column]);
  const [first, second] = [key(a), key(b)];
  if (first === null || second === null) return (first === null) - (second === null);
  const order = typeof first === "string" ? first.localeCompare(second) : first === second ? 0 : first - second;
  return (sorting.down ? -order : order) || a.rank - b.rank;
}

function wanted(filter) {
  const label = byId("label-filter").value;
  const text = byId("text-filter").value.trim().toLowerCase();
  if (label !== "" && !filter.labels.flat().includes(Number(label))) return false;
  if (text === "") return true;
  return /^\d+$/.test(text) ? String(filter.filter) === text : clustersText(filter).toLowerCase().includes(text);
}

function makeRow(filter) {
  const canvas = make("canvas", { class: "thumb", width: 1, height: 1, "aria-hidden": true });
  canvas.filter = filter;
  const cells = HEADINGS.map(({ name, left, spare, cell }) => {
    const text = cell(filter);
    const classes = [
      left ? "left" : "number",
      spare ? "spare" : "",
      name === "labels" && filter.labels.length ? "labels" : "",
    ];
    return make(
      "td",
      { class: classes.join(" ").trim(), title: left ? text : null },
      left ? make("span", {}, text) : text,
    );
  });
  const row = make(
    "tr",
    { "data-filter": filter.filter, tabindex: -1, "aria-selected": false, click: () => listed.choose(filter.filter) },
    make("td", { class: "picture" }, canvas),
    ...cells,
  );
  seen.observe(canvas);
  return row;
}

// List the filters of a layer; `choose` is called with the number of one.
function listLayer(layer, choose) {
  if (listed.layer !== layer) {
    listed = { layer, choose, rows: new Map(filtersOf(layer).map((filter) => [filter.filter, makeRow(filter)])) };
    scroll.scrollTop = 0;
  }
  listFilters();
}

const listedFilters = () => filtersOf(listed.layer).filter(wanted).sort(compare);

function listFilters() {
  const filters = listedFilters();
  body.replaceChildren(...filters.map((filter) => listed.rows.get(filter.filter)));
  const { name, units } = LAYERS[listed.layer];
  byId("list-title").textContent = `Filters of ${name}`;
  byId("list-count").textContent =
    filters.length === units ? `all ${whole(units)}` : `${whole(filters.length)} of ${whole(units)}`;
  byId("nothing").hidden = filters.length > 0;
  byId("printed").textContent =
    filters.length > PRINTED ? `Printed: the first ${PRINTED} of ${whole(filters.length)}.` : "";
  for (const head of byId("table").tHead.rows[0].cells) {
    const mine = head.dataset.column === sorting.column;
    head.setAttribute(
      "aria-sort",
      mine ? (sorting.down || sorting.column === "rank" ? "descending" : "ascending") : "none",
    );
  }
  if (!body.querySelector("tr[tabindex='0']") && body.rows.length) body.rows[0].tabIndex = 0;
}

function markRow(number, focus) {
  for (const [filter, row] of listed.rows) {
    const mine = filter === number;
    row.setAttribute("aria-selected", mine);
    row.tabIndex = mine ? 0 : -1;
    if (!mine || !row.isConnected) continue;
    const [box, view] = [row.getBoundingClientRect(), scroll.getBoundingClientRect()];
    const head = byId("table").tHead.offsetHeight;
    const [above, below] = [box.top - view.top - head, box.bottom - view.bottom];
    if (focus) scroll.scrollTop += Math.min(above, 0) || Math.max(below, 0);
    else if (above < 0 || below > 0) scroll.scrollTop += (above + below) / 2;
    if (focus) row.focus({ preventScroll: true });
  }
  if (!body.querySelector("tr[tabindex='0']") && body.rows.length) body.rows[0].tabIndex = 0;
}

body.addEventListener("keydown", (event) => {
  const rows = [...body.rows];
  const here = rows.indexOf(event.target.closest("tr"));
  const places = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1, Enter: here, " ": here };
  if (!(event.key in places)) return;
  event.preventDefault();
  const row = rows[Math.min(Math.max(places[event.key], 0), rows.length - 1)];
  listed.choose(Number(row.dataset.filter), true);
});
byId("label-filter").append(
  make("option", { value: "" }, "any"),
  ...LABELS.map((label, place) => make("option", { value: place }, label)),
);
byId("label-filter").addEventListener("change", listFilters);
byId("text-filter").addEventListener("input", listFilters);
repaints.push(() => listed.rows.forEach((row) => seen.observe(row.querySelector("canvas"))));
makeHead();
