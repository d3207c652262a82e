// Azure Blob Storage as Azurite plays it, in memory, on a port that the system chooses: it says which. Ends with its standard input, so that nothing outlives the tests.
process.argv.push('--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence', '--disableTelemetry', '--skipApiVersionCheck', '--silent');
process.stdin.on('end', () => process.exit(0)).resume();
await import('./node_modules/azurite/dist/src/blob/main.js');
