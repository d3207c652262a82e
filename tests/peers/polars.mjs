// Parquet, Arrow IPC and Avro through Polars. JavaScript's dates and numbers cannot hold all its values, so those are cast to what they are stored as first.
import { readFileSync } from 'node:fs';
import pl from 'nodejs-polars';
import * as show from './rules.mjs';

const readers = {
  '.parquet': path => pl.scanParquet(path).collectSync(),
  // a path that does not end in .ipc would be taken for the bytes themselves
  '.arrow': path => pl.readIPC(readFileSync(path)),
  '.arrows': path => pl.readIPCStream(readFileSync(path)),
  '.avro': path => pl.readAvro(path),
};

export async function* rows(path) {
  const read = readers[path.slice(path.lastIndexOf('.'))];
  if (!read) throw new Error(`Polars does not read ${path}`);
  const frame = read(path);
  const columns = frame.columns.map(name => ({ name, ...column(frame, name) }));
  for (let row = 0; row < frame.height; row++) yield show.object(columns.map(({ name, print, values }) => [name, print(values[row])]));
}

function column(frame, name) {
  let type;
  try {
    [type] = frame.select(name).dtypes;
  } catch {
    // a type without a name in JavaScript, binary for one: as text, where it is UTF-8
    const values = frame.select(pl.col(name).cast(pl.Utf8, true)).getColumn(name).toArray();
    return { print: value => (value === null ? 'null' : show.binary(Buffer.from(value))), values };
  }
  const print = printer(type);
  const values = frame.getColumn(name).cast(stored(type)).cast(exact(type)).toArray();
  if (type.variant !== 'Struct') return { print, values };
  const missing = frame.getColumn(name).isNull().toArray();
  return { print, values: values.map((value, i) => (missing[i] ? null : value)) };
}

// as a number or text without unit
const stored = type => convert(type, {
  Date: pl.Int32, Time: pl.Int64, Datetime: pl.Int64, Duration: pl.Int64, Decimal: pl.Utf8, Categorical: pl.Utf8, Enum: pl.Utf8,
});

// what a JavaScript number cannot hold as text
const exact = type => convert(stored(type), { Int64: pl.Utf8, UInt64: pl.Utf8 });

function convert(type, targets) {
  if (type.variant === 'List') return pl.List(convert(type.inner[0], targets));
  if (type.variant === 'Struct') return pl.Struct(type.fields.map(field => new pl.Field(field.name, convert(field.dtype, targets))));
  return targets[type.variant] ?? type;
}

function printer(type) {
  const print = present(type);
  return value => (value === null || value === undefined ? 'null' : print(value));
}

function present(type) {
  switch (type.variant) {
    case 'Bool': return String;
    case 'Int8': case 'Int16': case 'Int32': case 'Int64': case 'UInt8': case 'UInt16': case 'UInt32': case 'UInt64': return show.integer;
    case 'Float32': case 'Float64': return show.float;
    case 'Decimal': return value => `"${value}"`;
    case 'Date': return show.date;
    case 'Time': return value => show.time(value, 9);
    case 'Datetime': return value => show.timestamp(value, { ms: 3, us: 6, ns: 9 }[type.timeUnit], Boolean(type.timeZone));
    case 'Duration': return show.integer;
    case 'Utf8': case 'String': case 'Categorical': case 'Enum': return show.text;
    case 'Null': return () => 'null';
    case 'List': {
      const item = printer(type.inner[0]);
      return value => show.list([...value].map(item));
    }
    case 'Struct': {
      const fields = type.fields.map(field => ({ name: field.name, print: printer(field.dtype) }));
      return value => show.object(fields.map(({ name, print }) => [name, print(value[name])]));
    }
    default: throw new Error(`no rule for ${type}`);
  }
}
