// A filter's matrix: rows are labels of the input, columns outputs; values on hover, by touch and with the arrows.
const NARROWEST_NAMED = 9;
const MOST_NAME = 92;
const MOST_THUMBNAIL = 20;
const HEADS = { field: "Field", above: "Thresholded", blocks: "Permuted" };

// A matrix of one pixel an element, for the table; of many labels those of the clusters, and the noisiest.
function paintThumbnail(canvas, matrix) {
  const order = matrix.size > MOST_THUMBNAIL ? blockOrder(matrix).slice(0, MOST_THUMBNAIL) : naturalOrder(matrix);
  const size = order.length;
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  order.forEach((row, y) => {
    order.forEach((column, x) =>
      image.data.set([...cellColor(matrix, row, column, "above"), 255], 4 * (y * size + x)),
    );
  });
  context.putImageData(image, 0, 0);
}

function paintCells(canvas, matrix, order, kind, cell) {
  const fine = Math.max(2, Math.ceil(devicePixelRatio));
  const pitch = Math.max(1, Math.round(cell * fine));
  const gap = cell >= 8 ? fine : 0;
  canvas.width = canvas.height = pitch * order.length;
  const context = canvas.getContext("2d");
  const ink = css("noise-dot");
  order.forEach((row, y) => {
    order.forEach((column, x) => {
      const color = cellColor(matrix, row, column, kind);
      context.fillStyle = `rgb(${color.join(",")})`;
      context.fillRect(x * pitch, y * pitch, pitch - gap, pitch - gap);
      const noise = kind !== "field" && matrix.above(row, column) && !matrix.inCluster(row, column);
      if (!noise || cell < 6) return;
      context.fillStyle = ink;
      context.beginPath();
      context.arc((x + 0.5) * pitch - gap / 2, (y + 0.5) * pitch - gap / 2, pitch * 0.11, 0, 7);
      context.fill();
    });
  });
}

// What an element says, in lines.
function describeElement(matrix, row, column) {
  const [input, output] = [LABELS[matrix.labels[row]], LABELS[matrix.labels[column]]];
  const level = matrix.level(row, column);
  const lines = [`${input} → ${output}`];
  if (level !== null) lines.push(`${figures(level * matrix.scale)} logits, ${percent(level)} of the largest`);
  const inside = matrix.above(row, column) && matrix.inCluster(row, column);
  lines.push(
    inside ? "in a cluster" : matrix.above(row, column) ? "noise" : `not above ${DATA.threshold} of the largest`,
  );
  return lines;
}

class MatrixView {
  constructor(matrix, kind, { heading = HEADS[kind], mark = () => {}, enlarge = null, about = "" }) {
    Object.assign(this, { matrix, kind, mark, place: null });
    this.order = kind === "blocks" ? blockOrder(matrix) : naturalOrder(matrix);
    this.plot = make("div", {
      class: "plot",
      tabindex: 0,
      role: "img",
      "aria-label": `${heading} of ${about}: arrow keys read its elements`,
      keydown: (event) => this.key(event, enlarge),
      blur: () => this.leave(),
    });
    const button =
      enlarge &&
      make(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": `Enlarge: ${heading}`,
          title: "Enlarge",
          click: () => enlarge(kind),
        },
        "⤢",
      );
    this.node = make("figure", { class: "matrix" }, make("figcaption", {}, heading, button), this.plot);
  }

  // Draw it as wide as there is room, or with cells of a given size.
  draw(room, cell = null) {
    const size = this.order.length;
    const names = this.order.map((place) => LABELS[this.matrix.labels[place]]);
    const longest = Math.ceil(Math.max(...names.map((name) => textWidth(name, FONT))));
    const named = Math.min(MOST_NAME, longest) + 10;
    this.margin = (cell ?? (room - named - 2) / size) >= NARROWEST_NAMED ? Math.max(named, 48) : 18;
    this.cell = cell ?? Math.min(34, (room - this.margin - 2) / size);
    if (this.cell > 6) this.cell = Math.floor(this.cell);
    const side = this.margin + this.cell * size + 2;
    const share = (value) => `${(100 * value) / side}%`;
    this.canvas = make("canvas", { "aria-hidden": true });
    Object.assign(this.canvas.style, {
      left: share(this.margin),
      top: share(this.margin),
      width: share(this.cell * size),
      height: share(this.cell * size),
    });
    paintCells(this.canvas, this.matrix, this.order, this.kind, this.cell);
    this.svg = draw("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": true });
    this.plot.style.width = `${side}px`;
    this.drawNames(names);
    if (this.kind === "blocks") this.drawFrames();
    this.cross = draw("g", { class: "cross" });
    this.svg.append(this.cross);
    this.plot.replaceChildren(this.canvas, this.svg);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerdown", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
  }

  drawNames(names) {
    const { margin, cell, svg } = this;
    this.rows = [];
    this.columns = [];
    const end = margin - 6;
    if (margin <= 18) {
      svg.append(draw("text", { class: "axis", x: margin, y: 12, "font-size": 10 }, "output →"));
      svg.append(
        draw("text", { class: "axis", transform: `translate(12 ${margin}) rotate(90)`, "font-size": 10 }, "input →"),
      );
      return;
    }
    const font = Math.min(FONT, cell - 0.5);
    svg.append(
      draw("text", { class: "axis", x: end, y: end - 13, "text-anchor": "end", "font-size": 10 }, "output →"),
    );
    svg.append(draw("text", { class: "axis", x: end, y: end, "text-anchor": "end", "font-size": 10 }, "input ↓"));
    names.forEach((name, place) => {
      const text = cutText(name, margin - 9, font);
      const middle = margin + (place + 0.5) * cell;
      const row = draw(
        "text",
        { class: "name", x: end, y: middle + font * 0.35, "text-anchor": "end", "font-size": font },
        text,
      );
      const column = draw(
        "text",
        { class: "name", transform: `translate(${middle + font * 0.35} ${end}) rotate(-90)`, "font-size": font },
        text,
      );
      this.rows.push(row);
      this.columns.push(column);
      svg.append(row, column);
    });
  }

  drawFrames() {
    const groups = this.order.map((place) => this.matrix.clusterOf[place]);
    for (let from = 0; from < groups.length && groups[from] >= 0;) {
      const count = groups.filter((group) => group === groups[from]).length;
      const thick = this.cell >= 8 ? 2 : 1;
      const start = this.margin + from * this.cell - 1;
      const side = count * this.cell + (this.cell >= 8 ? 1 : 2);
      this.svg.append(
        draw("rect", { class: "frame", x: start, y: start, width: side, height: side, "stroke-width": thick }),
      );
      from += count;
    }
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.order.length);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.order.length);
    const inside = Math.min(row, column) >= 0 && Math.max(row, column) < this.order.length;
    if (!inside) return this.leave();
    this.show(row, column, event.clientX, event.clientY);
  }

  show(row, column, x, y) {
    this.place = [row, column];
    this.mark(this.order[row], this.order[column]);
    showTip(describeElement(this.matrix, this.order[row], this.order[column]), x, y);
  }

  leave() {
    this.place = null;
    this.mark(null, null);
    hideTip();
  }

  key(event, enlarge) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Enter" && enlarge) enlarge(this.kind);
    if (event.key === "Escape" && this.place) {
      this.leave();
      event.preventDefault();
    }
    if (!step) return;
    event.preventDefault();
    const [row, column] = this.place
      ? this.place.map((value, axis) => Math.min(Math.max(value + step[axis], 0), this.order.length - 1))
      : [0, 0];
    const box = this.canvas.getBoundingClientRect();
    const side = box.width / this.order.length;
    this.show(row, column, box.left + (column + 0.5) * side, box.top + (row + 0.5) * side);
  }

  // Frame the element of these labels, and light up its names; nothing for null.
  highlight(input, output) {
    this.cross.replaceChildren();
    [...this.rows, ...this.columns].forEach((text) => text.classList.remove("own"));
    if (input === null) return;
    const [row, column] = [this.order.indexOf(input), this.order.indexOf(output)];
    const gap = this.cell >= 8 ? 1 : 0;
    this.cross.append(
      draw("rect", {
        x: this.margin + column * this.cell - 0.5,
        y: this.margin + row * this.cell - 0.5,
        width: this.cell - gap + 1,
        height: this.cell - gap + 1,
      }),
    );
    this.rows[row]?.classList.add("own");
    this.columns[column]?.classList.add("own");
  }
}
