/** Numbers of Go's type float64 as text: the forms `e`, `f` and `g` of strconv.FormatFloat, and `v`, which is the shortest `g`. */

/** `g` of the shortest digits changes to an exponent from here on. */
const SHORTEST_EXPONENT = 6;
const DEFAULT_PRECISION = 6;
/** What Number.toFixed() and its kin take. */
const MOST_DIGITS = 100;

/** PRECONDITION: `value` is not negative. @param letter one of e E f F g G v. */
export function formatFloat(value: number, letter: string, precision: number | undefined): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : '+Inf';
  const digits = precision === undefined ? undefined : Math.min(precision, MOST_DIGITS);
  const kind = letter.toLowerCase();
  const text =
    kind === 'f'
      ? fixed(value, digits ?? DEFAULT_PRECISION)
      : kind === 'e'
        ? withExponent(value.toExponential(digits ?? DEFAULT_PRECISION))
        : general(value, digits);
  return letter === 'E' || letter === 'G' ? text.toUpperCase() : text;
}

/** A tie goes to the even digit, as in Go; Number.toFixed() takes the greater. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const exact = value.toFixed(Math.min(digits + 30, MOST_DIGITS));
  const isTie = /^50*$/.test(exact.slice(exact.indexOf('.') + 1 + digits));
  if (!isTie || !/[13579]$/.test(text)) return text;
  return digits === 0 ? exact.slice(0, exact.indexOf('.')) : exact.slice(0, exact.indexOf('.') + 1 + digits);
}

function general(value: number, digits: number | undefined): string {
  if (value === 0) return '0';
  const scientific =
    digits === undefined ? value.toExponential() : value.toExponential(Math.max(digits - 1, 0));
  const [mantissa = '', exponentText = ''] = scientific.split('e');
  const exponent = Number(exponentText);
  const significant = mantissa.replace('.', '').replace(/0+$/, '') || '0';
  const limit = digits === undefined ? SHORTEST_EXPONENT : Math.max(digits, 1);
  const bound = limit > significant.length && significant.length > exponent ? significant.length : limit;
  if (exponent < -4 || exponent >= (digits === undefined ? limit : bound))
    return withExponent(
      `${significant[0]}${significant.length > 1 ? `.${significant.slice(1)}` : ''}e${exponent}`,
    );
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${significant}`;
  const whole = significant.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = significant.slice(exponent + 1);
  return rest === '' ? whole : `${whole}.${rest}`;
}

/** Two digits at least, and always a sign. */
function withExponent(text: string): string {
  return text.replace(
    /e([-+]?)(\d+)$/,
    (_, sign: string, digits: string) => `e${sign || '+'}${digits.padStart(2, '0')}`,
  );
}
