// Avro container files through avsc, which decodes; what logical types mean is decided here, from the schema.
import { createReadStream } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import avro from 'avsc';
import { decompressSnappy, decompressZstd } from 'hyparquet-compressors';
import * as show from './rules.mjs';

const long = avro.types.LongType.__with({
  fromBuffer: buffer => buffer.readBigInt64LE(),
  toBuffer: value => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: value => typeof value === 'bigint',
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
});

const codecs = {
  null: (data, done) => done(null, data),
  deflate: (data, done) => done(null, inflateRawSync(data)),
  snappy: (data, done) => done(null, Buffer.from(decompressSnappy(data.subarray(0, -4), snappyLength(data)))),
  zstandard: (data, done) => done(null, Buffer.from(decompressZstd(data))),
};

export async function* rows(path) {
  let schema;
  const decoder = new avro.streams.BlockDecoder({
    codecs,
    parseHook: parsed => {
      schema = parsed;
      return avro.Type.forSchema(parsed, { typeHook: part => ((part.type ?? part) === 'long' ? long : undefined), wrapUnions: true });
    },
  });
  const source = createReadStream(path).on('error', error => decoder.destroy(error)).pipe(decoder);
  let print;
  for await (const value of source) {
    print ??= top(schema);
    yield print(value);
  }
}

// a container of anything but records shows as a record of one field
function top(schema) {
  const print = printer(schema, '', new Map());
  return schema.type === 'record' || schema.type === 'error' ? print : value => show.object([['value', print(value)]]);
}

function printer(schema, namespace, names) {
  if (typeof schema === 'string') return named(schema, namespace, names) ?? primitive(schema, {});
  if (Array.isArray(schema)) return union(schema, namespace, names);
  const { type } = schema;
  if (typeof type !== 'string') return printer(type, namespace, names);
  switch (type) {
    case 'record': case 'error': {
      const [full, space] = fullName(schema, namespace);
      const fields = [];
      const print = value => show.object(fields.map(field => [field.name, field.print(value[field.name])]));
      names.set(full, print);
      for (const field of schema.fields) fields.push({ name: field.name, print: printer(field.type, space, names) });
      return print;
    }
    case 'enum': return define(schema, namespace, names, show.text);
    case 'fixed': return define(schema, namespace, names, primitive('bytes', schema));
    case 'array': {
      const item = printer(schema.items, namespace, names);
      return value => show.list(value.map(element => item(element)));
    }
    case 'map': {
      const item = printer(schema.values, namespace, names);
      return value => show.map(Object.entries(value).map(([key, element]) => [show.text(key), item(element)]));
    }
    default: return named(type, namespace, names) ?? primitive(type, schema);
  }
}

function union(branches, namespace, names) {
  const printers = new Map(branches.map(branch => [branchName(branch, namespace), printer(branch, namespace, names)]));
  return value => {
    if (value === null) return 'null';
    const [name] = Object.keys(value);
    return printers.get(name)(value[name]);
  };
}

function branchName(branch, namespace) {
  if (typeof branch === 'string') return branch.includes('.') || isPrimitive(branch) || !namespace ? branch : `${namespace}.${branch}`;
  return ['record', 'error', 'enum', 'fixed'].includes(branch.type) ? fullName(branch, namespace)[0] : branch.type;
}

const isPrimitive = name => ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'].includes(name);

function fullName(schema, namespace) {
  const full = schema.name.includes('.') ? schema.name : [schema.namespace ?? namespace, schema.name].filter(Boolean).join('.');
  return [full, full.slice(0, Math.max(0, full.lastIndexOf('.')))];
}

function named(name, namespace, names) {
  const print = names.get(name.includes('.') || !namespace ? name : `${namespace}.${name}`) ?? names.get(name);
  // looked up late: a record may contain itself
  return print && (value => print(value));
}

function define(schema, namespace, names, print) {
  names.set(fullName(schema, namespace)[0], print);
  return print;
}

function primitive(type, { logicalType, scale = 0 }) {
  switch (`${type} ${logicalType}`) {
    case 'int date': return show.date;
    case 'int time-millis': return value => show.time(value, 3);
    case 'long time-micros': return value => show.time(value, 6);
    case 'long timestamp-millis': return value => show.timestamp(value, 3, true);
    case 'long timestamp-micros': return value => show.timestamp(value, 6, true);
    case 'long timestamp-nanos': return value => show.timestamp(value, 9, true);
    case 'long local-timestamp-millis': return value => show.timestamp(value, 3, false);
    case 'long local-timestamp-micros': return value => show.timestamp(value, 6, false);
    case 'long local-timestamp-nanos': return value => show.timestamp(value, 9, false);
    case 'bytes decimal': return value => show.decimal(show.bigEndian(value), scale);
    case 'bytes uuid': return show.uuid;
    case 'bytes duration': return value => show.object(['months', 'days', 'millis'].map((name, i) => [name, String(value.readUInt32LE(4 * i))]));
  }
  switch (type) {
    case 'null': return () => 'null';
    case 'boolean': return String;
    case 'int': case 'long': return show.integer;
    case 'float': case 'double': return show.float;
    case 'string': return show.text;
    case 'bytes': return show.binary;
    default: throw new Error(`no rule for ${type}`);
  }
}

function snappyLength(data) {
  let [length, shift, i] = [0, 0, 0];
  do {
    length |= (data[i] & 127) << shift;
    shift += 7;
  } while (data[i++] & 128);
  return length;
}
