// What the page holds: layers of each kind of fields, their filters, and the matrix of a filter.
const DATA = JSON.parse(byId("data").textContent);
const LABELS = DATA.labels;
const KINDS = DATA.kinds;
const LAYERS = KINDS[0].layers;
const INFINITE = new Set(["snr", "strength", "quality", "quality_low", "quality_high"]);
const read = KINDS.map((kind) => kind.layers.map(() => null));

// Filters of a layer as objects, best first.
function filtersOf(layer, kind = 0) {
  read[kind][layer] ??= KINDS[kind].layers[layer].filters.map((row, rank) => {
    const filter = { rank };
    DATA.columns.forEach((name, place) => {
      filter[name] = INFINITE.has(name) ? number(row[place]) : row[place];
    });
    return filter;
  });
  return read[kind][layer];
}

const filterOf = (layer, filter, kind = 0) => filtersOf(layer, kind).find((each) => each.filter === filter);
const hasQuality = () => LAYERS.some((layer) => "quality" in layer.numbers);
const groupText = (group) => `{${group.map((label) => LABELS[label]).join(", ")}}`;

function clustersText(filter) {
  if (filter.dead) return "dead";
  return filter.labels.length ? filter.labels.map(groupText).join(" ") : "no cluster";
}

// The command that shows a filter in the terminal, its words quoted for a shell.
function commandFor(layer, filter) {
  if (!DATA.command) return `analysis[${JSON.stringify(LAYERS[layer].name)}].fields_of([${filter}])`;
  const name = LAYERS[layer].name;
  const quoted = /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`;
  return `${DATA.command} --layer ${quoted} --filter ${filter}`;
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// The matrix of a filter by place in `labels`: null where it is not here, without values where only bits are here.
function matrixOf(filter) {
  if (filter.above === null) return null;
  const labels = filter.shown ?? LABELS.map((_, label) => label);
  const size = labels.length;
  const bits = bytesOf(filter.above);
  const levels = filter.field === null ? null : new Int8Array(bytesOf(filter.field).buffer);
  const groupOf = new Map(filter.labels.flatMap((group, place) => group.map((label) => [label, place])));
  const clusterOf = labels.map((label) => groupOf.get(label) ?? -1);
  const above = (row, column) => {
    const bit = row * size + column;
    return Boolean((bits[bit >> 3] >> (7 - (bit & 7))) & 1);
  };
  const inCluster = (row, column) => clusterOf[row] >= 0 && clusterOf[row] === clusterOf[column];
  const level = (row, column) => (levels ? levels[row * size + column] / 127 : null);
  return { labels, size, clusterOf, above, inCluster, level, scale: filter.scale };
}

const naturalOrder = (matrix) =>
  matrix.labels.map((_, place) => place).sort((a, b) => matrix.labels[a] - matrix.labels[b]);

// Labels of the clusters first, largest cluster first; then the others, the noisiest first.
function blockOrder(matrix) {
  const noise = matrix.labels.map((_, place) => {
    let count = 0;
    for (let other = 0; other < matrix.size; other++) {
      count += matrix.above(place, other) + matrix.above(other, place);
    }
    return count;
  });
  const group = (place) => (matrix.clusterOf[place] < 0 ? Infinity : matrix.clusterOf[place]);
  return naturalOrder(matrix).sort((a, b) => {
    if (group(a) !== group(b)) return group(a) - group(b);
    return group(a) === Infinity ? noise[b] - noise[a] : 0;
  });
}
