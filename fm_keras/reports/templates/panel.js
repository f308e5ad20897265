// The chosen filter: what it says in words, and its three matrices, of each kind of fields that was measured.
const panel = byId("panel");
const KIND_NAMES = {
  probe: "Probe field: what a linear reader learns from it",
  network: "Network field: what the network makes of it",
};
let views = [];

function factsOf(filter, worth) {
  const facts = [
    `SNR ${decimals(filter.snr, 2)}`,
    counted(filter.external_noise, "noise element"),
    `largest field ${figures(filter.strength)} logits`,
  ];
  if (worth && filter.quality !== null) {
    facts.push(
      `costs ${figures(filter.quality)} nats to lose ` +
        `(${figures(filter.quality_low)} to ${figures(filter.quality_high)})`,
    );
  }
  return facts.join(" · ");
}

function clustersOf(filter) {
  if (!filter.labels.length)
    return make("p", { class: "clusters soft" }, filter.dead ? "Dead: no positive field." : "No cluster.");
  const chips = filter.labels.map((group) => make("span", { class: "chip" }, groupText(group)));
  return make("p", { class: "clusters" }, ...chips);
}

// The matrices of one kind, or the command that shows them where there is no room for them here.
function matricesOf(layer, filter, about) {
  const matrix = matrixOf(filter);
  const command = make("code", {}, commandFor(layer, filter.filter));
  if (!matrix) return [make("p", { class: "soft" }, "Its matrix is not on this page: ", command)];
  const kinds = matrix.level(0, 0) === null ? ["above", "blocks"] : ["field", "above", "blocks"];
  const mine = [];
  const mark = (row, column) => mine.forEach((view) => view.highlight(row, column));
  const enlarge = (kind) => openZoom(matrix, kind, about);
  kinds.forEach((kind) => mine.push(new MatrixView(matrix, kind, { mark, enlarge, about })));
  views.push(...mine);
  const notes = [];
  if (filter.shown)
    notes.push(
      make(
        "p",
        { class: "soft" },
        `${matrix.size} of ${whole(LABELS.length)} labels: clusters first, then those with most noise. All: `,
        command,
      ),
    );
  if (kinds.length < 3)
    notes.push(make("p", { class: "soft" }, "The values of its field are not on this page: ", command));
  return [make("div", { class: "matrices" }, ...mine.map((view) => view.node)), ...notes];
}

function legend() {
  const swatch = (kind, text) => make("span", { class: "swatch" }, make("i", { class: kind }), text);
  return make(
    "p",
    { class: "legend" },
    swatch("ramp", "field, from 0 to its largest"),
    swatch("negative", "negative"),
    swatch("cluster", "cluster"),
    swatch("noise", "noise"),
    swatch("below", `not above ${DATA.threshold} of the largest`),
  );
}

// Show a filter; `step` is called with -1 or 1 for the neighbor in the list.
function showFilter(layer, number, step) {
  views = [];
  const filter = filterOf(layer, number);
  const about = `${LAYERS[layer].name}, filter ${number}`;
  const turn = (by, sign, said) =>
    make("button", { type: "button", class: "quiet", "aria-label": said, title: said, click: () => step(by) }, sign);
  const parts = KINDS.flatMap((kind, place) => {
    const mine = filterOf(layer, number, place);
    if (!mine) return [];
    const heading = KINDS.length > 1 ? [make("h3", {}, KIND_NAMES[kind.name])] : [];
    const said = place ? [clustersOf(mine), make("p", { class: "facts-line" }, factsOf(mine, false))] : [];
    return [
      ...heading,
      ...said,
      ...matricesOf(layer, mine, KINDS.length > 1 ? `${about}, ${kind.name} field` : about),
    ];
  });
  panel.replaceChildren(
    make(
      "div",
      { class: "panel-head" },
      make(
        "h2",
        { id: "panel-title" },
        `Filter ${number} `,
        make("span", { class: "of" }, `of ${whole(LAYERS[layer].units)} in ${LAYERS[layer].name}`),
      ),
      turn(-1, "‹", "Previous in the list"),
      turn(1, "›", "Next in the list"),
    ),
    clustersOf(filter),
    make("p", { class: "facts-line" }, factsOf(filter, true)),
    ...parts,
    legend(),
  );
  drawMatrices();
}

function drawMatrices() {
  const style = getComputedStyle(panel);
  const inner = Math.max(
    200,
    panel.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight),
  );
  const most = Math.max(1, ...views.map((view) => view.order.length));
  const longest = Math.min(MOST_NAME, Math.max(...LABELS.map((label) => textWidth(label, FONT)))) + 10;
  const aside = Math.floor((inner - 40) / 3);
  const apart = (aside - longest) / most < 11 && most <= 24; // names would not fit: one below the other
  const room = inner < 480 || apart ? Math.min(inner, 420) : aside;
  views.forEach((view) => view.draw(room));
}

repaints.push(drawMatrices);
