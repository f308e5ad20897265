// Numbers as the command line writes them: three significant figures, thousands with a comma.
const number = (value) => (value === "∞" ? Infinity : value === "-∞" ? -Infinity : value);

function withPlaces(value, places) {
  const shape = { minimumFractionDigits: places, maximumFractionDigits: places, signDisplay: "negative" };
  return value.toLocaleString("en-US", shape).replace("-", "−");
}

function figures(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(3));
  const places = Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)))));
  return withPlaces(rounded, places);
}

function decimals(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return figures(value);
  return withPlaces(value, places);
}

const whole = (value) => value.toLocaleString("en-US");
const percent = (share) => `${Math.round(100 * share)} %`.replace("-", "−");
const counted = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

// Round values that cut a range into a few equal steps, ends included.
function ticks(least, most, wanted) {
  const raw = (most - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) * power;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}
