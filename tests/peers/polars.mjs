// Parquet, Arrow IPC and Avro through Polars. JavaScript's dates and numbers cannot hold all its values, so those are cast to what they are stored as first.
import pl from 'nodejs-polars';
import * as show from './rules.mjs';

const readers = {
  '.parquet': path => pl.scanParquet(path).collectSync(),
  '.arrow': path => pl.readIPC(path),
  '.arrows': path => pl.readIPCStream(path),
  '.avro': path => pl.readAvro(path),
};

export async function* rows(path) {
  const read = readers[path.slice(path.lastIndexOf('.'))];
  if (!read) throw new Error(`Polars does not read ${path}`);
  const frame = read(path);
  const columns = frame.columns.map((name, i) => {
    const type = frame.dtypes[i];
    return { name, print: printer(type), values: frame.getColumn(name).cast(stored(type)).toArray() };
  });
  for (let row = 0; row < frame.height; row++) yield show.object(columns.map(({ name, print, values }) => [name, print(values[row])]));
}

function stored(type) {
  switch (type.variant) {
    case 'Date': return pl.Int32;
    case 'Time': case 'Datetime': case 'Duration': return pl.List ? pl.Int64 : pl.Int64;
    case 'Decimal': case 'Categorical': case 'Enum': return pl.Utf8;
    case 'List': return pl.List(stored(type.inner[0]));
    case 'Struct': return pl.Struct(type.fields.map(field => pl.Field(field.name, stored(field.dtype))));
    default: return type;
  }
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
    case 'Binary': return value => show.binary(Uint8Array.from(value));
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
