// node pruning.mjs QUERY...: for each query to DuckDB, a line with what it gives and the bytes that it read to find it (Linux counts those of a process).
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const bytesRead = () => BigInt(readFileSync('/proc/self/io', 'utf8').match(/^rchar: (\d+)/m)[1]);

for (const query of process.argv.slice(2)) {
  // a database each, so that none finds in memory what another has read
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run('set enable_external_file_cache = false');
  const before = bytesRead();
  const rows = (await connection.runAndReadAll(query)).getRows();
  console.log(`${rows.map(row => row.join(' ')).join('|')}\t${bytesRead() - before}`);
}
