// node read.mjs PROGRAM FILE...: prints the rows of files as PROGRAM reads them, one a line, by the rules of README.md.
// With several files, '# FILE' stands before the rows of each, and '! reason' after them when it could not be read (to the end).
import { pathToFileURL } from 'node:url';

const programs = ['duckdb', 'polars', 'hyparquet', 'arrow', 'avsc'];
const [program, ...files] = process.argv.slice(2);
if (!programs.includes(program) || files.length === 0) {
  console.error(`usage: node read.mjs ${programs.join('|')} FILE...`);
  process.exit(2);
}
const { rows } = await import(new URL(`./${program}.mjs`, pathToFileURL(import.meta.filename)).href);

let pending = [];
let length = 0;
const flush = async () => {
  const piece = pending.join('');
  [pending, length] = [[], 0];
  if (!process.stdout.write(piece)) await new Promise(resolve => process.stdout.once('drain', resolve));
};
const line = async shown => {
  pending.push(shown, '\n');
  if ((length += shown.length) > 1 << 20) await flush();
};

for (const file of files) {
  if (files.length > 1) await line(`# ${file}`);
  try {
    for await (const row of rows(file)) await line(row);
  } catch (error) {
    process.exitCode = 1;
    if (files.length > 1) await line(`! ${String(error.message ?? error).replaceAll('\n', ' ')}`);
    else console.error(error.stack ?? error);
  }
}
await flush();
