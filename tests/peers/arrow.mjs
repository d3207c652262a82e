// Arrow IPC files and streams through apache-arrow (JavaScript). Values are taken from its buffers, since its accessors round to what JavaScript has.
import { readFileSync } from 'node:fs';
import { CompressionType, RecordBatchReader, Type, compressionRegistry } from 'apache-arrow';
import { decompressLz4Raw, decompressZstd } from 'hyparquet-compressors';
import * as show from './rules.mjs';

// a buffer of its own, so that values are aligned
compressionRegistry.set(CompressionType.ZSTD, { decode: bytes => new Uint8Array(decompressZstd(bytes)) });
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });

export async function* rows(path) {
  for (const batch of RecordBatchReader.from(readFileSync(path))) {
    // a file without batches comes as a batch without columns
    if (batch.numRows === 0) continue;
    const { fields } = batch.schema;
    const columns = batch.data.children.map(printer);
    for (let row = 0; row < batch.numRows; row++) yield show.object(fields.map((field, i) => [field.name, columns[i](row)]));
  }
}

// LZ4 frame format; checksums are not verified
function lz4Frame(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = bytes[4];
  let at = 6 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0) + 1;
  const blockSize = 1 << (8 + 2 * ((bytes[5] >> 4) & 7));
  const blocks = [];
  for (let size; (size = view.getUint32(at, true)) !== 0; at += (size & 0x7fffffff) + (flags & 16 ? 4 : 0)) {
    at += 4;
    const block = bytes.subarray(at, at + (size & 0x7fffffff));
    if (size >>> 31) blocks.push(block);
    else blocks.push(blockOf(block, blocks, blockSize, !(flags & 32)));
  }
  return new Uint8Array(Buffer.concat(blocks));
}

function blockOf(block, before, blockSize, isLinked) {
  if (isLinked && before.length > 0) throw new Error('LZ4 blocks that depend on each other');
  return decompressLz4Raw(block, blockSize);
}

const big = (values, i) => (typeof values[i] === 'bigint' ? values[i] : BigInt(values[i]));
const digits = [0, 3, 6, 9];

// prints the value of a row of one record batch
function printer(data) {
  const print = present(data);
  if (data.typeId === Type.Null) return () => 'null';
  if (data.typeId === Type.Union) return print;
  return row => (data.getValid(row) ? print(row) : 'null');
}

function present(data) {
  const { type, values, valueOffsets } = data;
  const slice = row => values.subarray(Number(valueOffsets[row]), Number(valueOffsets[row + 1]));
  switch (type.typeId) {
    case Type.Null: return () => 'null';
    case Type.Bool: return row => String(((values[(row + data.offset) >> 3] >> ((row + data.offset) & 7)) & 1) === 1);
    case Type.Int: return row => show.integer(values[row]);
    case Type.Float: return row => show.float(type.precision === 0 ? half(values[row]) : values[row]);
    case Type.Binary: case Type.LargeBinary: return row => show.binary(slice(row));
    case Type.Utf8: case Type.LargeUtf8: return row => show.textOf(slice(row));
    case Type.FixedSizeBinary: return row => show.binary(values.subarray(row * type.byteWidth, (row + 1) * type.byteWidth));
    case Type.Decimal: {
      const words = type.bitWidth / 32;
      return row => {
        let value = 0n;
        for (let i = words - 1; i >= 0; i--) value = (value << 32n) | BigInt(values[row * words + i] >>> 0);
        return show.decimal(BigInt.asIntN(type.bitWidth, value), type.scale);
      };
    }
    case Type.Date: return type.unit === 0 ? row => show.date(values[row]) : row => millisecondDate(big(values, row));
    case Type.Time: return row => show.time(big(values, row), digits[type.unit]);
    case Type.Timestamp: return row => show.timestamp(big(values, row), digits[type.unit], Boolean(type.timezone));
    case Type.Duration: return row => show.integer(big(values, row));
    case Type.Interval: return interval(type, values);
    case Type.List: case Type.LargeList: {
      const item = printer(data.children[0]);
      return row => show.list(range(Number(valueOffsets[row]), Number(valueOffsets[row + 1])).map(item));
    }
    case Type.FixedSizeList: {
      const item = printer(data.children[0]);
      return row => show.list(range(row * type.listSize, (row + 1) * type.listSize).map(item));
    }
    case Type.Map: {
      const [key, item] = data.children[0].children.map(printer);
      return row => show.map(range(valueOffsets[row], valueOffsets[row + 1]).map(i => [key(i), item(i)]));
    }
    case Type.Struct: {
      const fields = data.children.map(printer);
      return row => show.object(type.children.map((field, i) => [field.name, fields[i](row)]));
    }
    case Type.Dictionary: return dictionary(data);
    case Type.Union: {
      const branches = data.children.map(printer);
      return row => branches[type.typeIdToChildIndex[data.typeIds[row]]](type.mode === 1 ? valueOffsets[row] : row);
    }
    default: throw new Error(`no rule for ${type}`);
  }
}

function dictionary(data) {
  const chunks = data.dictionary.data.map(chunk => ({ length: chunk.length, print: printer(chunk) }));
  return row => {
    let index = Number(data.values[row]);
    const chunk = chunks.find(({ length }) => index < length || ((index -= length), false));
    return chunk.print(index);
  };
}

function interval(type, values) {
  const parts = entries => show.object(entries.map(([name, value]) => [name, show.integer(value)]));
  switch (type.unit) {
    case 0: return row => parts([['months', values[row]]]);
    case 1: return row => parts([['days', values[2 * row]], ['millis', values[2 * row + 1]]]);
    default: return row => {
      const at = 4 * row;
      return parts([['months', values[at]], ['days', values[at + 1]], ['nanos', (BigInt(values[at + 3]) << 32n) | BigInt(values[at + 2] >>> 0)]]);
    };
  }
}

const millisecondDate = millis => (millis % 86400000n === 0n ? show.date(millis / 86400000n) : show.timestamp(millis, 3, false));

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
