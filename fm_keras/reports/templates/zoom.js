// One matrix as large as wanted, in a dialog of its own, every label named.
const dialog = byId("zoom");
const SIZES = [10, 12, 14, 18, 24, 32, 44];
let zoomed = null;

function openZoom(matrix, kind, about) {
  const view = new MatrixView(matrix, kind, { mark: (row, column) => view.highlight(row, column), about });
  const start = Math.min(
    SIZES.length - 1,
    Math.max(
      0,
      SIZES.findLastIndex((cell) => cell * matrix.size <= innerWidth * 0.6),
    ),
  );
  zoomed = { view, size: start };
  const step = (by) => () => {
    zoomed.size = Math.min(Math.max(zoomed.size + by, 0), SIZES.length - 1);
    drawZoom();
  };
  dialog.replaceChildren(
    make(
      "div",
      { class: "zoom-head" },
      make("h2", { id: "zoom-title" }, `${HEADS[kind]}: ${about}`),
      make("button", { type: "button", "aria-label": "Smaller", click: step(-1) }, "−"),
      make("button", { type: "button", "aria-label": "Larger", click: step(1) }, "+"),
      make("button", { type: "button", click: () => dialog.close() }, "Close"),
    ),
    make("div", { class: "zoom-body" }, view.node),
  );
  dialog.showModal();
  dialog.append(tip); // a dialog covers what lies outside of it
  drawZoom();
}

function drawZoom() {
  if (zoomed) zoomed.view.draw(0, SIZES[zoomed.size]);
}

dialog.addEventListener("close", () => {
  zoomed = null;
  hideTip();
  document.body.append(tip);
});
repaints.push(drawZoom);
