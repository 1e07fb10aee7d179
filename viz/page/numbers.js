// Numbers, as they travel (JSON has no inf and no nan) and as they are shown.

const REST = { inf: Infinity, "-inf": -Infinity, nan: NaN };

/** A number from the data. */
const real = (x) => (typeof x === "string" ? REST[x] : x);

/** All digits of a number, so that reading them gives it back. */
const full = (x) => (Object.is(x, -0) ? "-0" : String(x));

/** Four digits of a number, a whole number of up to six digits in full, with a real minus sign. */
function short(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
  if (Math.abs(x) < 1e6 && Number.isInteger(x)) return signed(String(x === 0 ? 0 : x));
  const [mantissa, exponent] = halfToEven(x, 4).split("e");
  const isLong = exponent < -4 || exponent >= 4;
  return signed(isLong ? `${Number(mantissa)}e${Number(exponent)}` : String(Number(`${mantissa}e${exponent}`)));
}

/** Rounded as Python does, as in 6.347e-1: where a number lies exactly between two, the one with the even digit. */
function halfToEven(x, digits) {
  const [mantissa, exponent] = x.toExponential(60).split("e");
  const [whole, decimals] = mantissa.split(".");
  const kept = `${whole}.${decimals.slice(0, digits - 1)}`;
  const tie = /^50*$/.test(decimals.slice(digits - 1)) && Number(kept.at(-1)) % 2 === 0;
  return tie ? `${kept}e${exponent}` : x.toExponential(digits - 1);
}

const signed = (written) => written.replaceAll("-", "−");

/** In parentheses where a sign would meet an operator. */
const factor = (x) => (x < 0 ? `(${short(x)})` : short(x));
