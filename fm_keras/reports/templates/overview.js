// All layers: curves by depth, the strip, charts of the chosen layer, the training, the table.
const chosen = { layer: LAYERS.length - 1, filter: null };
const CURVES = [
  { name: "accuracy", title: "Accuracy", said: "probe accuracy", places: 3 },
  { name: "snr", title: "SNR", said: "signal-to-noise ratio", spread: "snr" },
  { name: "noise", title: "Noise", said: "noise elements of a filter", spread: "noise" },
  { name: "quality", title: "Quality", said: "quality of its filters in nats", spread: "quality", mean: true },
].filter(({ name }) => LAYERS.some((layer) => Number.isFinite(valueOf(layer, name))));

function valueOf(layer, name) {
  const value = number(layer.numbers[name] ?? null);
  return name === "quality" && value !== null ? value / layer.units : value;
}

const shown = ({ places }, value) => (places ? decimals(value, places) : figures(value));

function drawCurves() {
  const names = LAYERS.map((layer) => layer.name);
  CURVES.forEach((each) => {
    const values = LAYERS.map((layer) => valueOf(layer, each.name));
    const quartiles =
      each.spread && LAYERS.map((layer) => layer.spread[each.spread]?.map(number) ?? [null, null, null]);
    const band = quartiles ? { low: quartiles.map((part) => part[0]), high: quartiles.map((part) => part[2]) } : null;
    const accuracy = each.name === "accuracy" && DATA.test_accuracy;
    each.value.textContent = shown(each, values[chosen.layer]);
    curve(each.box, {
      names,
      series: [{ values }],
      band,
      reference: accuracy ? { name: `network ${decimals(accuracy, 3)}`, value: accuracy } : null,
      chosen: chosen.layer,
      choose: (layer) => choose(layer),
      describe: (place) => [
        names[place],
        `${each.said}: ${shown(each, values[place])}`,
        ...(quartiles ? [`half of its filters: ${figures(band.low[place])} to ${figures(band.high[place])}`] : []),
      ],
      said: `${each.title}: ${names[0]} ${shown(each, values[0])} to ${names.at(-1)} ${shown(each, values.at(-1))}`,
    });
  });
}

function drawLayerCharts() {
  const layer = LAYERS[chosen.layer];
  document.querySelectorAll(".pair .of").forEach((span) => (span.textContent = `in ${layer.name}`));
  const counts = layer.filters_of_label;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  byId("homogeneity-said").textContent =
    `A label is held by ${figures(mean)} filters on average (dashed); ` +
    `the spread is ${figures(number(layer.numbers.label_cv))} of that.`;
  bars(byId("homogeneity"), {
    names: LABELS,
    values: counts,
    reference: mean,
    unit: "filters that hold the label",
    said: "Filters by label",
    describe: (place) => [LABELS[place], counted(counts[place], "filter")],
  });
  const sizes = layer.clusters_of_size;
  byId("sizes-said").textContent = sizes.length
    ? `A filter has ${figures(layer.numbers.n_clusters)} clusters of ` +
      `${figures(layer.numbers.cluster_size)} labels on average.`
    : "No filter has a cluster.";
  const names = sizes.map(([size]) => counted(size, "label"));
  if (!sizes.length) return byId("sizes").replaceChildren();
  bars(byId("sizes"), {
    names,
    values: sizes.map(([, count]) => count),
    unit: "clusters",
    said: "Clusters by size",
    describe: (place) => [names[place], counted(sizes[place][1], "cluster")],
  });
}

function drawHistory() {
  const history = DATA.history;
  if (!history) return;
  byId("training").hidden = false;
  for (const name of ["accuracy", "loss"]) {
    const series = [
      { name: "training", values: history[name], kind: "soft" },
      { name: "test", values: history[`val_${name}`] },
    ].filter((each) => each.values);
    const names = history[name].map((_, place) => `epoch ${history.epoch?.[place] ?? place + 1}`);
    const box = byId(`history-${name}`);
    curve(box, {
      names,
      series,
      from: name === "loss" ? 0 : null,
      said: `Training ${name} by epoch`,
      describe: (place) => [names[place], ...series.map((each) => `${each.name}: ${figures(each.values[place])}`)],
    });
    box.append(
      make(
        "p",
        { class: "key" },
        ...series.map((each) =>
          make(
            "span",
            {},
            make("i", { class: `key-line ${each.kind ?? ""}` }),
            `${each.name} ${figures(each.values.at(-1))} at the end`,
          ),
        ),
      ),
    );
  }
}

function makeStrip() {
  const pick = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(Math.min(Math.max(chosen.layer + step, 0), LAYERS.length - 1));
    byId("layers").children[chosen.layer].focus();
  };
  byId("layers").replaceChildren(
    ...LAYERS.map((layer, place) =>
      make(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-controls": "filters",
          title: `${counted(layer.units, "filter")}, ${layer.positions}`,
          click: () => choose(place),
          keydown: pick,
        },
        layer.name,
      ),
    ),
  );
}

function markStrip() {
  [...byId("layers").children].forEach((button, place) => {
    button.setAttribute("aria-selected", place === chosen.layer);
    button.tabIndex = place === chosen.layer ? 0 : -1;
    byId("overview").tBodies[0].rows[place].setAttribute("aria-current", place === chosen.layer);
  });
}

function makeOverview() {
  const columns = [
    ["Layer", "left"],
    ["Filters", (layer) => whole(layer.units)],
    ["Map", "left", (layer) => layer.positions],
    ["Accuracy", "accuracy", 3],
    ["Clusters", "n_clusters", 2],
    ["Size", "cluster_size", 2],
    ["Signal", "signal", 2],
    ["Noise", "noise", 2],
    ["SNR", "snr", 2],
    ["Label spread", "label_cv", 2],
    ["Dead", (layer) => percent(layer.numbers.dead)],
    ...(hasQuality()
      ? [
          ["Quality, sum", (layer) => figures(number(layer.numbers.quality ?? null))],
          ["Below zero", (layer) => percent(layer.numbers.quality_below_zero)],
        ]
      : []),
  ];
  const left = (what) => (what === "left" ? "left" : "number");
  byId("overview").tHead.replaceChildren(
    make("tr", {}, ...columns.map(([title, what]) => make("th", { scope: "col", class: left(what) }, title))),
  );
  byId("overview").tBodies[0].replaceChildren(
    ...LAYERS.map((layer, place) =>
      make(
        "tr",
        {},
        ...columns.map(([, what, more], column) => {
          if (column === 0)
            return make(
              "th",
              { scope: "row", class: "left" },
              make("button", { type: "button", class: "link", click: () => choose(place) }, layer.name),
            );
          const text =
            typeof what === "function"
              ? what(layer)
              : what === "left"
                ? more(layer)
                : decimals(number(layer.numbers[what] ?? null), more);
          return make("td", { class: left(what) }, text);
        }),
      ),
    ),
  );
}

byId("curves").append(
  ...CURVES.map((each) => {
    each.box = make("div", { class: "chart" });
    each.value = make("b", {});
    return make("div", { class: "card" }, make("h2", {}, each.title, each.value), each.box);
  }),
);
