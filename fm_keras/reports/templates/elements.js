// Elements are made of nodes and text: no name of a label, layer or run is ever read as HTML.
const SVG = "http://www.w3.org/2000/svg";

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const make = (tag, attributes = {}, ...children) => furnish(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => furnish(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, size) {
  ruler.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

// The text, cut with an ellipsis where it is wider than there is room for.
function cutText(text, room, size) {
  if (textWidth(text, size) <= room) return text;
  const signs = [...text];
  let least = 0;
  let most = signs.length;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (textWidth(signs.slice(0, middle).join("") + "…", size) <= room) least = middle;
    else most = middle - 1;
  }
  return signs.slice(0, least).join("").trimEnd() + "…";
}

const tip = byId("tip");

// A small note beside a place of the window: the first line is bold.
function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map((line, place) => make(place ? "span" : "b", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - box.height - 4))}px`;
}

function hideTip() {
  tip.hidden = true;
}
