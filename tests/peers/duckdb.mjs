// Parquet through DuckDB.
import { DuckDBInstance, DuckDBTypeId as Id } from '@duckdb/node-api';
import * as show from './rules.mjs';

let connection;

async function connect() {
  connection ??= await (await DuckDBInstance.create(':memory:')).connect();
  return connection;
}

export async function* rows(path) {
  const result = await (await connect()).stream(`select * from read_parquet('${path.replaceAll("'", "''")}')`);
  const names = result.columnNames();
  const printers = result.columnTypes().map(printer);
  for await (const chunk of result) {
    const columns = printers.map((_, i) => chunk.getColumnVector(i));
    for (let row = 0; row < chunk.rowCount; row++)
      yield show.object(printers.map((print, i) => [names[i], print(columns[i].getItem(row))]));
  }
}

function printer(type) {
  const print = present(type);
  return value => (value === null || value === undefined ? 'null' : print(value));
}

function present(type) {
  switch (type.typeId) {
    case Id.BOOLEAN: return String;
    case Id.TINYINT: case Id.SMALLINT: case Id.INTEGER: case Id.BIGINT: case Id.HUGEINT:
    case Id.UTINYINT: case Id.USMALLINT: case Id.UINTEGER: case Id.UBIGINT: case Id.UHUGEINT: return show.integer;
    case Id.FLOAT: case Id.DOUBLE: return show.float;
    case Id.DECIMAL: return value => show.decimal(value.value, type.scale);
    case Id.DATE: return value => show.date(value.days);
    case Id.TIME: return value => show.time(value.micros, 6);
    case Id.TIME_NS: return value => show.time(value.nanos, 9);
    case Id.TIME_TZ: return value => show.time(value.micros, 6);
    case Id.TIMESTAMP_S: return value => show.timestamp(value.seconds, 0, false);
    case Id.TIMESTAMP_MS: return value => show.timestamp(value.millis, 3, false);
    case Id.TIMESTAMP: return value => show.timestamp(value.micros, 6, false);
    case Id.TIMESTAMP_NS: return value => show.timestamp(value.nanos, 9, false);
    case Id.TIMESTAMP_TZ: return value => show.timestamp(value.micros, 6, true);
    case Id.VARCHAR: case Id.ENUM: return show.text;
    case Id.BLOB: return value => show.binary(value.bytes);
    case Id.UUID: return value => `"${value}"`;
    case Id.INTERVAL: return value => show.object([['months', String(value.months)], ['days', String(value.days)], ['millis', String(value.micros / 1000n)]]);
    case Id.LIST: case Id.ARRAY: {
      const item = printer(type.valueType);
      return value => show.list(value.items.map(item));
    }
    case Id.STRUCT: {
      const fields = type.entryTypes.map(printer);
      return value => show.object(type.entryNames.map((name, i) => [name, fields[i](value.entries[name])]));
    }
    case Id.MAP: {
      const [key, item] = [printer(type.keyType), printer(type.valueType)];
      return value => show.map(value.entries.map(entry => [key(entry.key), item(entry.value)]));
    }
    default: throw new Error(`no rule for ${type}`);
  }
}
