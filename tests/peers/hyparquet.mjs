// Parquet through hyparquet. It is given the schema without annotations and so returns what is stored; what that means is decided here, from the annotations.
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { parseFloat16 } from 'hyparquet/src/convert.js';
import { compressors } from 'hyparquet-compressors';
import * as show from './rules.mjs';

export async function* rows(path) {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const root = tree(metadata.schema.map(element => ({ ...element })), { next: 0 });
  for (const element of metadata.schema) {
    if (element.converted_type !== 'LIST') delete element.converted_type;
    delete element.logical_type;
  }
  const printers = root.children.map(printer);
  let from = 0;
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows);
    const read = root.children.length === 0 ? Array(to - from).fill({})
      : await parquetReadObjects({ file, metadata, compressors, utf8: false, rowStart: from, rowEnd: to });
    for (const row of read) yield show.object(root.children.map((child, i) => [child.name, printers[i](row[child.name])]));
    from = to;
  }
}

function tree(elements, at) {
  const { name, num_children: count = 0, ...element } = elements[at.next++];
  return { name, ...element, children: Array.from({ length: count }, () => tree(elements, at)) };
}

function printer(node) {
  const print = present(node);
  return value => (value === null || value === undefined ? 'null' : print(value));
}

function present(node) {
  const { type, converted_type: converted, logical_type: logical, children } = node;
  if (converted === 'LIST') {
    const repeated = children[0];
    const item = printer(repeated.children.length === 1 ? repeated.children[0] : repeated);
    return value => show.list(value.map(item));
  }
  if (converted === 'MAP') {
    const [repeated] = children;
    const [key, item] = repeated.children.map(printer);
    return value => show.map((value[repeated.name] ?? []).map(entry => [key(entry[repeated.children[0].name]), item(entry[repeated.children[1].name])]));
  }
  if (children.length > 0) {
    const fields = children.map(printer);
    return value => show.object(children.map((child, i) => [child.name, fields[i](value[child.name])]));
  }
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = node.scale ?? logical.scale ?? 0;
    return value => show.decimal(value instanceof Uint8Array ? show.bigEndian(value) : BigInt(value), scale);
  }
  const digits = { MILLIS: 3, MICROS: 6, NANOS: 9 }[logical?.unit];
  if (logical?.type === 'TIMESTAMP') return value => show.timestamp(value, digits, logical.isAdjustedToUTC);
  if (logical?.type === 'TIME') return value => show.time(value, digits);
  if (logical?.type === 'INTEGER' && !logical.isSigned) return value => show.integer(BigInt.asUintN(logical.bitWidth, BigInt(value)));
  if (logical?.type === 'UUID') return show.uuid;
  if (logical?.type === 'FLOAT16') return bytes => show.float(parseFloat16(bytes));
  switch (converted) {
    case 'DATE': return show.date;
    case 'UTF8': case 'ENUM': case 'JSON': return show.textOf;
    case 'TIMESTAMP_MILLIS': return value => show.timestamp(value, 3, true);
    case 'TIMESTAMP_MICROS': return value => show.timestamp(value, 6, true);
    case 'TIME_MILLIS': return value => show.time(value, 3);
    case 'TIME_MICROS': return value => show.time(value, 6);
    case 'UINT_8': case 'UINT_16': case 'UINT_32': return value => show.integer(BigInt.asUintN(32, BigInt(value)));
    case 'UINT_64': return value => show.integer(BigInt.asUintN(64, value));
  }
  switch (type) {
    case 'BOOLEAN': return String;
    case 'INT32': case 'INT64': return show.integer;
    case 'FLOAT': case 'DOUBLE': return show.float;
    case 'BYTE_ARRAY': case 'FIXED_LEN_BYTE_ARRAY': return logical?.type === 'STRING' ? show.textOf : show.binary;
    default: throw new Error(`no rule for ${type} ${converted ?? ''}`);
  }
}
