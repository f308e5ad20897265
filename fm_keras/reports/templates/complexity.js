// How hard the classes are to tell apart, by depth: curves where the run has measured it.
const COMPLEXITY = DATA.complexity;
const complexityCards = (COMPLEXITY?.measures ?? []).map((measure) => ({ measure, box: make("div", { class: "chart" }) }));

function drawComplexity() {
  const names = COMPLEXITY?.layers;
  const here = names?.indexOf(LAYERS[chosen.layer].name) ?? -1;
  for (const { measure, box } of complexityCards) {
    const [values, low, high] = [measure.values, measure.low, measure.high].map((each) => each?.map(number));
    curve(box, {
      names,
      series: [{ values }],
      band: low ? { low, high } : null,
      chosen: here < 0 ? null : here,
      choose: (place) => {
        const layer = LAYERS.findIndex((each) => each.name === names[place]);
        if (layer >= 0) choose(layer);
      },
      describe: (place) => [
        names[place],
        `${measure.name}: ${figures(values[place])}`,
        ...(low ? [`95% interval: ${figures(low[place])} to ${figures(high[place])}`] : []),
      ],
      said: `${measure.name}: ${names[0]} ${figures(values[0])} to ${names.at(-1)} ${figures(values.at(-1))}`,
    });
  }
}

byId("complexity")?.append(
  ...complexityCards.map(({ measure, box }) => make("div", { class: "card" }, make("h2", {}, measure.title), box)),
);
