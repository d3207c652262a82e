// How a load grows with the number of workers: a simulation of one run on Durable Functions with the Azure Storage provider.
//   node bench/scale.mjs [--chunks 40000] [--chunk-mb 256] [--rate-mb 90] ...
// Events: a chunk's message is put, picked up by a free worker, the chunk is moved, its answer is put, a turn of its page takes the
// answers that are there and sends the next chunks. Times and prices are assumptions, in the table below and changeable by flags.
const settings = {
  chunks: 40_000,        // 10 TB in chunks of 256 MB
  'chunk-mb': 256,
  'rate-mb': 90,         // one worker: MB of source moved per second, network included
  'per-worker': 2,       // chunks at a time on a worker
  page: 250,             // chunks of a page, which is an orchestration of its own
  rounds: 8,             // of chunks that each worker has of a page
  ahead: 2,              // chunks sent for each place on a worker
  'parallel-pages': 0,   // 0: as the orchestration chooses
  'queue-rate': 2_000,   // messages per second that one storage queue takes
  'control-queues': 4,
  'poll-ms': 30,         // until a message that is there is seen under load
  'turn-ms': 15,         // one turn: lease, history read from cache, batch written
  'slow-share': 0.02,    // chunks that take five times as long
  // prices in USD: per 10,000 operations, per GB-second, per million executions; list prices differ by region
  'price-write': 0.065, 'price-read': 0.005, 'price-queue': 0.0004, 'price-table': 0.00036, 'price-gbs': 0.000026, 'price-executions': 0.4,
  'worker-gb': 4,
};
for (let i = 2; i < process.argv.length; i += 2) {
  const name = process.argv[i].replace(/^--/, '');
  if (!(name in settings) || !(Number(process.argv[i + 1]) >= 0)) {
    console.error(`error: ${process.argv[i]} is none of ${Object.keys(settings).map(key => '--' + key).join(', ')}, or has no number`);
    process.exit(2);
  }
  settings[name] = Number(process.argv[i + 1]);
}

class Heap {
  items = [];
  push(time, run) {
    const items = this.items;
    let at = items.push({ time, run }) - 1;
    while (at > 0 && items[(at - 1) >> 1].time > items[at].time) {
      [items[at], items[(at - 1) >> 1]] = [items[(at - 1) >> 1], items[at]];
      at = (at - 1) >> 1;
    }
  }
  pop() {
    const items = this.items, top = items[0], last = items.pop();
    if (items.length > 0) {
      items[0] = last;
      for (let at = 0; ;) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2])
          if (child < items.length && items[child].time < items[least].time) least = child;
        if (least === at) break;
        [items[at], items[least]] = [items[least], items[at]];
        at = least;
      }
    }
    return top;
  }
}

// the same numbers on every run
function generator(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function simulate(workers) {
  const random = generator(7), heap = new Heap();
  const slots = workers * settings['per-worker'];
  const pages = Math.ceil(settings.chunks / settings.page);
  // as SyncStreamOrchestration does: a page has several rounds of chunks for each worker, or all would wait at its end for the slowest
  const parallelPages = Math.min(pages, slots, Math.max(1, settings['parallel-pages'] || Math.ceil(slots * settings.ahead * settings.rounds / settings.page)));
  const share = Math.max(1, Math.floor(slots * settings.ahead / parallelPages));
  const gap = 1000 / settings['queue-rate'];
  let now = 0, free = slots, workQueueFree = 0, moved = 0, busy = 0, nextPage = 0, deepest = 0;
  const counts = { queue: 0, table: 0, read: 0, write: 0, turns: 0, executions: 0, history: 0 };
  const waiting = [], queues = Array.from({ length: settings['control-queues'] }, () => 0);

  // a message takes its turn in its queue
  const send = (freeAt, set, run) => {
    const at = Math.max(now, freeAt) + gap;
    set(at);
    counts.queue += 3;                       // put, get, delete
    heap.push(at + settings['poll-ms'], run);
  };
  const answer = page => send(queues[page.queue], at => queues[page.queue] = at, () => {
    page.answers++;
    if (!page.turning) turn(page);
  });
  const work = (page, milliseconds) => send(workQueueFree, at => workQueueFree = at, () => {
    waiting.push({ page, milliseconds });
    deepest = Math.max(deepest, waiting.length);
    start();
  });
  const start = () => {
    while (free > 0 && waiting.length > 0) {
      const { page, milliseconds } = waiting.shift();
      free--;
      busy += milliseconds;
      counts.executions++;
      heap.push(now + milliseconds, () => {
        free++;
        moved++;
        counts.read += settings['chunk-mb'] / 8 + 2;    // ranges of 8 MB; page of chunks, record of an earlier attempt
        counts.write += settings['chunk-mb'] / 8 / 3 + 2;  // staged blocks of a third of the size; record of the part, its removal
        answer(page);
        start();
      });
    }
  };
  const turn = page => {
    page.turning = true;
    counts.turns++;
    counts.executions++;
    heap.push(now + settings['turn-ms'], () => {
      const answers = page.answers;
      page.answers = 0;
      page.turning = false;
      page.done += answers;
      let sent = 0;
      while (page.open - answers + sent < share && page.sent < page.size) {
        page.sent++;
        sent++;
        const slow = random() < settings['slow-share'] ? 5 : 1;
        work(page, slow * (0.8 + 0.4 * random()) * 1000 * settings['chunk-mb'] * settings['per-worker'] / settings['rate-mb']);
      }
      page.open += sent - answers;
      const events = 2 + answers + sent;
      counts.table += Math.ceil(events / 100) + 1;
      counts.history = Math.max(counts.history, page.events += events);
      if (page.done === page.size) finish();
      else if (page.answers > 0) turn(page);
    });
  };
  let running = 0;
  const finish = () => {
    running--;
    begin();
  };
  const begin = () => {
    while (running < parallelPages && nextPage < pages) {
      const page = { queue: nextPage % queues.length, size: Math.min(settings.page, settings.chunks - nextPage * settings.page), sent: 0, open: 0, done: 0, answers: 0, turning: false, events: 2 };
      nextPage++;
      running++;
      counts.queue += 6;                     // the page's start and its result
      turn(page);
    }
  };
  begin();
  while (heap.items.length > 0) {
    const event = heap.pop();
    now = event.time;
    event.run();
  }
  const terabytes = settings.chunks * settings['chunk-mb'] / 1e6, seconds = now / 1000;
  const price = (count, each) => count / 10_000 * settings['price-' + each];
  const storage = price(counts.write, 'write') + price(counts.read, 'read') + price(counts.queue, 'queue') + price(counts.table, 'table');
  // a worker is paid for as long as it moves something
  const compute = busy / 1000 / settings['per-worker'] * settings['worker-gb'] * settings['price-gbs'] + counts.executions / 1e6 * settings['price-executions'];
  return {
    workers, seconds, rate: terabytes * 1e6 / seconds, used: busy / now / slots, deepest, turns: counts.turns / seconds, messages: counts.queue / 3 / seconds,
    history: counts.history, operations: (counts.queue + counts.table + counts.read + counts.write) / settings.chunks, storage: storage / terabytes, compute: compute / terabytes,
  };
}

console.log(`${settings.chunks} chunks of ${settings['chunk-mb']} MB (${(settings.chunks * settings['chunk-mb'] / 1e6).toFixed(1)} TB), ${settings['rate-mb']} MB/s a worker\n`);
console.log('| workers | time | MB/s | workers busy | messages/s | turns/s | events of a page | operations a chunk | storage operations, USD/TB | compute, USD/TB |');
console.log('| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |');
for (const workers of [1, 10, 100, 1000]) {
  const r = simulate(workers);
  const time = r.seconds > 7200 ? `${(r.seconds / 3600).toFixed(1)} h` : `${(r.seconds / 60).toFixed(1)} min`;
  console.log(`| ${r.workers} | ${time} | ${Math.round(r.rate)} | ${(r.used * 100).toFixed(1)} % | ${r.messages.toFixed(1)} | ${r.turns.toFixed(1)} | ${r.history} | ${r.operations.toFixed(1)} | ${r.storage.toFixed(2)} | ${r.compute.toFixed(2)} |`);
}
