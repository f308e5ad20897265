// Charts in plain SVG: curves by depth or epoch, and bars.
const FONT = 11;

function frame(box, height, said) {
  const width = Math.max(220, Math.floor(box.clientWidth));
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said });
  box.replaceChildren(svg);
  return { svg, width };
}

// The scale of values to places, with its grid and figures drawn.
function valueAxis(svg, values, { from = null, wanted, left, right, top, bottom }) {
  const known = [...values.filter(Number.isFinite), ...(from === null ? [] : [from])];
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  const steps = ticks(lowest, highest > lowest ? highest : lowest + 1, wanted);
  const [least, most] = [steps[0], steps[steps.length - 1]];
  const place = (value) =>
    bottom - ((Math.min(Math.max(value, least), most) - least) / (most - least)) * (bottom - top);
  const digits = Math.max(0, Math.ceil(-Math.log10(steps[1] - steps[0]) - 1e-9));
  for (const step of steps) {
    svg.append(
      draw("line", { class: step === 0 ? "zero" : "grid", x1: left, x2: right, y1: place(step), y2: place(step) }),
    );
    svg.append(
      draw(
        "text",
        { class: "tick", x: left - 6, y: place(step) + 3.5, "text-anchor": "end" },
        decimals(step, digits),
      ),
    );
  }
  return place;
}

function pathOf(values, across, up) {
  let started = false;
  return values
    .map((value, place) => {
      if (value === null || Number.isNaN(value)) {
        started = false;
        return "";
      }
      const move = started ? "L" : "M";
      started = true;
      return `${move}${across(place).toFixed(1)},${up(value).toFixed(1)}`;
    })
    .join("");
}

function bandOf({ low, high }, across, up) {
  const points = (values) => values.map((value, place) => `${across(place).toFixed(1)},${up(value).toFixed(1)}`);
  const known = low.every((value) => value !== null) && high.every((value) => value !== null);
  return known ? `M${[...points(high), ...points(low).reverse()].join("L")}Z` : "";
}

// Names below the axis: first, last and chosen, those left out that would touch another.
function nameAxis(svg, names, chosen, across, y, right) {
  const taken = [];
  for (const place of new Set([chosen ?? 0, 0, names.length - 1])) {
    const text = cutText(names[place], 90, FONT);
    const half = textWidth(text, FONT) / 2;
    const middle = Math.min(Math.max(across(place), half + 2), right - half);
    if (taken.some(([from, to]) => middle - half < to + 8 && middle + half > from - 8)) continue;
    taken.push([middle - half, middle + half]);
    svg.append(
      draw("text", { class: place === chosen ? "tick own" : "tick", x: middle, y, "text-anchor": "middle" }, text),
    );
  }
}

/* A curve of one or more series.
   names: of the places across; series: [{name, values, kind}]; band: {low, high} or null;
   reference: {name, value} or null;
   chosen: place or null; choose: called with a place; describe: lines of the note at a place. */
function curve(
  box,
  { names, series, band = null, reference = null, chosen = null, choose = null, describe, said, from = 0 },
) {
  const height = 158;
  const { svg, width } = frame(box, height, said);
  const [left, right, top, bottom] = [44, width - 8, 10, height - 24];
  const all = [
    ...series.flatMap((each) => each.values),
    ...(band ? [...band.low, ...band.high] : []),
    reference?.value,
  ];
  const least = Math.min(...all.filter(Number.isFinite));
  const up = valueAxis(svg, all, { from: Math.min(from ?? least, least), wanted: 4, left, right, top, bottom });
  const across = (place) =>
    names.length === 1 ? (left + right) / 2 : left + 8 + (place * (right - left - 16)) / (names.length - 1);
  const clear = (value) => (value === Infinity ? top - 4 : up(value));
  if (band) svg.append(draw("path", { class: "band", d: bandOf(band, across, clear) }));
  if (chosen !== null)
    svg.append(draw("line", { class: "here", x1: across(chosen), x2: across(chosen), y1: top, y2: bottom }));
  const level = reference && up(reference.value);
  if (reference) svg.append(draw("line", { class: "reference", x1: left, x2: right, y1: level, y2: level }));
  for (const { values, kind } of series) {
    svg.append(draw("path", { class: `curve ${kind ?? ""}`, d: pathOf(values, across, clear) }));
    if (names.length > 60 || series.length > 1) continue;
    values.forEach((value, place) => {
      if (value === null || place === chosen) return;
      svg.append(draw("circle", { class: "point", cx: across(place), cy: clear(value), r: 2.5 }));
    });
  }
  if (reference) {
    const y = level - top < 14 || series[0].values[0] > reference.value ? level + 13 : level - 5;
    svg.append(draw("text", { class: "tick clear", x: left + 4, y }, reference.name));
  }
  const mark = series[0].values[chosen];
  if (chosen !== null && mark !== null)
    svg.append(draw("circle", { class: "point own", cx: across(chosen), cy: clear(mark), r: 5 }));
  nameAxis(svg, names, chosen, across, height - 7, right + 8);
  const step = names.length === 1 ? right - left : (right - left - 16) / (names.length - 1);
  names.forEach((_, place) => {
    const x = Math.max(left, across(place) - step / 2);
    const target = draw("rect", { class: choose ? "target" : "target still", x, y: 0, width: step, height });
    target.addEventListener("pointermove", (event) => showTip(describe(place), event.clientX, event.clientY));
    target.addEventListener("pointerleave", hideTip);
    if (choose) target.addEventListener("click", () => choose(place));
    svg.append(target);
  });
}

// Bars with a name each where there is room, else with a note alone.
function bars(box, { names, values, reference = null, describe, said, unit }) {
  const sideways = names.length <= 24;
  const longest = Math.max(...names.map((name) => textWidth(name, FONT)));
  const room = Math.min(120, Math.ceil(longest)) + 8;
  const height = sideways ? Math.max(90, 20 * names.length + 26) : 220;
  const { svg, width } = frame(box, height, said);
  const most = Math.max(1, ...values, reference ?? 0);
  const steps = ticks(0, most, 4);
  const top = steps[steps.length - 1];
  if (!sideways) return uprightBars(svg, { width, height, names, values, reference, describe, unit });
  const [left, right, bottom] = [room, width - 40, height - 22];
  const across = (value) => left + (value / top) * (right - left);
  const pitch = (bottom - 2) / names.length;
  const texts = draw("g", { class: "bar-text" });
  names.forEach((name, place) => {
    const y = 2 + place * pitch;
    const thick = Math.min(16, pitch - 5);
    const middle = y + pitch / 2;
    const row = draw("g", { class: "bar-row" });
    row.append(draw("rect", { class: "target still", x: 0, y, width, height: pitch }));
    row.append(
      draw(
        "text",
        { class: "name", x: left - 8, y: middle + 4, "text-anchor": "end" },
        cutText(name, room - 8, FONT),
      ),
    );
    row.append(
      draw("rect", {
        class: "bar",
        x: left,
        y: middle - thick / 2,
        width: Math.max(0, across(values[place]) - left),
        height: thick,
        rx: 2,
      }),
    );
    texts.append(draw("text", { class: "tick", x: across(values[place]) + 6, y: middle + 4 }, whole(values[place])));
    row.addEventListener("pointermove", (event) => showTip(describe(place), event.clientX, event.clientY));
    row.addEventListener("pointerleave", hideTip);
    svg.append(row);
  });
  if (reference !== null)
    svg.append(draw("line", { class: "reference", x1: across(reference), x2: across(reference), y1: 2, y2: bottom }));
  svg.append(draw("line", { class: "zero", x1: left, x2: left, y1: 2, y2: bottom }), texts);
  svg.append(draw("text", { class: "tick", x: left, y: height - 6 }, unit));
}

function uprightBars(svg, { width, height, names, values, reference, describe, unit }) {
  const [left, right, top, bottom] = [44, width - 8, 10, height - 24];
  const up = valueAxis(svg, [...values, reference ?? 0], { from: 0, wanted: 4, left, right, top, bottom });
  const pitch = (right - left) / names.length;
  names.forEach((_, place) => {
    const x = left + place * pitch;
    const row = draw("g", { class: "bar-row" });
    row.append(draw("rect", { class: "target still", x, y: 0, width: pitch, height: bottom }));
    row.append(
      draw("rect", {
        class: "bar",
        x: x + pitch * 0.1,
        y: up(values[place]),
        width: pitch * 0.8,
        height: bottom - up(values[place]),
      }),
    );
    row.addEventListener("pointermove", (event) => showTip(describe(place), event.clientX, event.clientY));
    row.addEventListener("pointerleave", hideTip);
    svg.append(row);
  });
  if (reference !== null)
    svg.append(draw("line", { class: "reference", x1: left, x2: right, y1: up(reference), y2: up(reference) }));
  nameAxis(svg, names, null, (place) => left + (place + 0.5) * pitch, height - 7, right + 8);
  svg.append(draw("text", { class: "tick", x: (left + right) / 2, y: height - 7, "text-anchor": "middle" }, unit));
}
