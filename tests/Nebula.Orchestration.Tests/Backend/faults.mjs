// What goes wrong between the extension and a worker, and in the extension's own queues. Which turns are hit is chance that a seed repeats. Whatever is done
// to the events of a turn is in the history afterwards, as a real backend would have it.
const Latest = 60;
const SplitCheckpoint = -100;
// a number that no version of the protocol has, and kinds that a worker has no use for
const unknownKinds = [{ unknown: 99 }, { set: 'Genericevent', type: 'GenericEvent' }, { set: 'Executionrewound', type: 'ExecutionRewoundEvent' }];

// These message classes cannot write a field that they do not know.
export function writeUnknownKinds(pb) {
  const write = pb.HistoryEvent.serializeBinaryToWriter;
  pb.HistoryEvent.serializeBinaryToWriter = (event, writer) => {
    write(event, writer);
    if (event.unknown) writer.writeString(event.unknown, 'something new');
  };
}

export class Faults {
  constructor(pb, Timestamp, { kinds = [], seed = 0 } = {}) {
    Object.assign(this, { pb, Timestamp, kinds: new Set(kinds), state: seed, hits: Object.fromEntries(kinds.map(kind => [kind, 0])) });
  }

  // The events of the next turn. 'again' gets what comes later instead, or as well.
  deliver(batch, again) {
    let at = batch.findIndex(event => !event.hasOrchestratorstarted() && !event.hasExecutionstarted());
    if (at < 0) at = batch.length;
    const head = batch.slice(0, at);
    let rest = batch.slice(at);
    const results = rest.filter(isResult);
    if (rest.length > 1 && this.isHit('reorder')) this.shuffle(rest);
    if (results.length > 0 && this.isHit('duplicate')) {
      const twice = results[this.below(results.length)];
      rest.splice(this.below(rest.length + 1), 0, twice);
      again([twice], this.below(Latest));
    }
    if (results.some(event => event.hasTaskfailed()) && this.isHit('nodetails'))
      for (const event of results) event.getTaskfailed()?.clearFailuredetails();
    if (this.isHit('marker')) rest.splice(this.below(rest.length + 1), 0, ...this.splitCheckpoint());
    if (this.isHit('unknown')) rest.splice(this.below(rest.length + 1), 0, this.unknown());
    if (rest.length > 1 && this.isHit('split')) again(rest.splice(1 + this.below(rest.length - 1)), 0);
    if (results.length > 0 && this.isHit('delay')) again(rest.splice(this.below(rest.length)), this.below(Latest));
    return [...head, ...rest];
  }

  // How many of the actions of a turn are committed before the framework begins another turn for the rest.
  commits(actions) {
    return actions.length > 1 && this.isHit('checkpoint') ? 1 + this.below(actions.length - 1) : actions.length;
  }

  isHit(kind) {
    if (!this.kinds.has(kind) || this.random() < 0.5) return false;
    this.hits[kind]++;
    return true;
  }

  // the mark that the framework leaves where it committed a turn in several steps
  splitCheckpoint() {
    const created = this.event(SplitCheckpoint);
    const set = new this.pb.TimerCreatedEvent();
    set.setFireat(created.getTimestamp());
    created.setTimercreated(set);
    const fired = this.event(-1);
    const fire = new this.pb.TimerFiredEvent();
    fire.setTimerid(SplitCheckpoint);
    fire.setFireat(created.getTimestamp());
    fired.setTimerfired(fire);
    return [created, fired];
  }

  unknown() {
    const event = this.event(this.below(5) - 1);
    const { unknown, set, type } = unknownKinds[this.below(unknownKinds.length)];
    if (unknown) event.unknown = unknown;
    else event['set' + set](new this.pb[type]());
    return event;
  }

  event(id) {
    const event = new this.pb.HistoryEvent();
    event.setEventid(id);
    event.setTimestamp(this.Timestamp.fromDate(new Date()));
    return event;
  }

  shuffle(events) {
    for (let i = events.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [events[i], events[other]] = [events[other], events[i]];
    }
  }

  below(count) {
    return Math.floor(this.random() * count);
  }

  // mulberry32
  random() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

const isResult = event => event.hasTaskcompleted() || event.hasTaskfailed() || event.hasTimerfired() || event.hasSuborchestrationinstancecompleted()
  || event.hasSuborchestrationinstancefailed();
