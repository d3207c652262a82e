// The text of values, the same whoever read them: what README.md says under "Rules".

const escapes = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const text = value =>
  '"' + value.replace(/["\\\u0000-\u001f]/g, c => escapes[c] ?? '\\u00' + c.charCodeAt(0).toString(16).padStart(2, '0')) + '"';

export const binary = bytes => '"' + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') + '"';

// text that came as bytes: what is not UTF-8 shows as such
export function textOf(bytes) {
  try {
    return text(utf8.decode(bytes));
  } catch {
    return '"base64:' + binary(bytes).slice(1);
  }
}

export function integer(value) {
  const number = BigInt(value);
  return number > 9007199254740991n || number < -9007199254740991n ? `"${number}"` : String(number);
}

export function float(value) {
  if (Object.is(value, -0)) return '-0.0';
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

const fraction = (value, digits) => (digits === 0 ? '' : '.' + String(value).padStart(digits, '0'));

export function decimal(unscaled, scale) {
  const unit = 10n ** BigInt(scale);
  const size = unscaled < 0n ? -unscaled : unscaled;
  return `"${unscaled < 0n ? '-' : ''}${size / unit}${fraction(size % unit, scale)}"`;
}

// proleptic Gregorian: years of 400 make 146,097 days
function day(days) {
  const shifted = BigInt(days) + 719468n;
  const era = floor(shifted, 146097n);
  const ofEra = shifted - era * 146097n;
  const yearOfEra = (ofEra - ofEra / 1460n + ofEra / 36524n - ofEra / 146096n) / 365n;
  const ofYear = ofEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shiftedMonth = (5n * ofYear + 2n) / 153n;
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  const two = n => String(n).padStart(2, '0');
  const size = String(year < 0n ? -year : year);
  const shown = year < 0n || year > 9999n ? (year < 0n ? '-' : '+') + size.padStart(6, '0') : size.padStart(4, '0');
  return `${shown}-${two(month)}-${two(ofYear - (153n * shiftedMonth + 2n) / 5n + 1n)}`;
}

const floor = (a, b) => (a - (((a % b) + b) % b)) / b;

function clock(value, digits) {
  const second = 10n ** BigInt(digits);
  const seconds = value / second;
  const two = n => String(n).padStart(2, '0');
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction(value % second, digits)}`;
}

export const date = days => `"${day(days)}"`;

// units of 10^-digits seconds, shown with six or nine digits
export function time(count, digits) {
  const [value, shown] = fine(BigInt(count), digits);
  return `"${value < 0n ? '-' : ''}${clock(value < 0n ? -value : value, shown)}"`;
}

export function timestamp(count, digits, isUtc) {
  const [value, shown] = fine(BigInt(count), digits);
  const perDay = 86400n * 10n ** BigInt(shown);
  const days = floor(value, perDay);
  return `"${day(days)}T${clock(value - days * perDay, shown)}${isUtc ? 'Z' : ''}"`;
}

const fine = (value, digits) => (digits > 6 ? [value * 10n ** BigInt(9 - digits), 9] : [value * 10n ** BigInt(6 - digits), 6]);

export function uuid(bytes) {
  const hex = Buffer.from(bytes).toString('hex');
  return `"${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}"`;
}

export const list = items => '[' + items.join(',') + ']';

export const object = entries => '{' + entries.map(([name, shown]) => text(name) + ':' + shown).join(',') + '}';

export const map = entries => list(entries.map(([key, value]) => object([['key', key], ['value', value]])));

// two's complement, most significant byte first
export function bigEndian(bytes) {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt('0x' + Buffer.from(bytes).toString('hex')));
}
