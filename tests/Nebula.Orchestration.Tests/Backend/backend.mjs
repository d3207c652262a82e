// Plays the Durable Task framework and its storage: the in-memory backend of the package @microsoft/durabletask-js, driven as the Durable Functions extension
// drives a worker. Requests go out as lines on standard output, answers come in as lines on standard input; each is a JSON object.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(process.argv[2] + '/');
const root = require.resolve('@microsoft/durabletask-js').replace(/index\.js$/, '');
const { InMemoryOrchestrationBackend } = require(root + 'testing/index.js');
const pb = require(root + 'proto/orchestrator_service_pb.js');
const { Timestamp } = require('google-protobuf/google/protobuf/timestamp_pb.js');
const { StringValue } = require('google-protobuf/google/protobuf/wrappers_pb.js');
const { Value } = require('google-protobuf/google/protobuf/struct_pb.js');

const { serve } = await import('./services.mjs');
const { Faults, writeUnknownKinds } = await import('./faults.mjs');

const backend = new InMemoryOrchestrationBackend(1_000_000);
const waiting = new Map();
let nextCall = 0;
let faults = new Faults(pb, Timestamp);
writeUnknownKinds(pb);

const send = message => process.stdout.write(JSON.stringify(message) + '\n');
const call = message => new Promise(resolve => {
  const id = ++nextCall;
  waiting.set(id, resolve);
  send({ ...message, call: id });
});

function orchestratorStarted() {
  const event = new pb.HistoryEvent();
  event.setEventid(-1);
  event.setTimestamp(Timestamp.fromDate(new Date()));
  event.setOrchestratorstarted(new pb.OrchestratorStartedEvent());
  return event;
}

// this backend does not write it, and a worker that sent an event would find its history wrong
function eventSent(action) {
  const event = new pb.HistoryEvent();
  event.setEventid(action.getId());
  event.setTimestamp(Timestamp.fromDate(new Date()));
  const sent = new pb.EventSentEvent();
  sent.setInstanceid(action.getSendevent().getInstance().getInstanceid());
  sent.setName(action.getSendevent().getName());
  const data = action.getSendevent().getData();
  if (data) { const value = new StringValue(); value.setValue(data.getValue()); sent.setInput(value); }
  event.setEventsent(sent);
  return event;
}

function orchestratorCompleted() {
  const event = new pb.HistoryEvent();
  event.setEventid(-1);
  event.setTimestamp(Timestamp.fromDate(new Date()));
  event.setOrchestratorcompleted(new pb.OrchestratorCompletedEvent());
  return event;
}

function failureDetails({ type, message, inner }) {
  const details = new pb.TaskFailureDetails();
  details.setErrortype(type);
  details.setErrormessage(message);
  if (inner) details.setInnerfailure(failureDetails(inner));
  return details;
}

// what the extension does with an instance whose function failed
function hostFailure(message) {
  const complete = new pb.CompleteOrchestrationAction();
  complete.setOrchestrationstatus(pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED);
  const result = new StringValue();
  result.setValue(message);
  complete.setResult(result);
  complete.setFailuredetails(failureDetails({ type: 'Microsoft.Azure.WebJobs.Host.FunctionFailedException', message }));
  const action = new pb.OrchestratorAction();
  action.setId(1_000_000);
  action.setCompleteorchestration(complete);
  return [action];
}

// this backend tells a parent only the message of what failed in a child
const watch = backend.watchSubOrchestration.bind(backend);
backend.watchSubOrchestration = (parent, child, task) => {
  backend.waitForState(child, i => backend.isTerminalStatus(i.status), 0).then(i => {
    if (!i?.failureDetails) return watch(parent, child, task);
    const instance = backend.instances.get(parent);
    if (!instance || backend.isTerminalStatus(instance.status)) return;
    const failed = new pb.SubOrchestrationInstanceFailedEvent();
    failed.setTaskscheduledid(task);
    failed.setFailuredetails(i.failureDetails);
    const event = new pb.HistoryEvent();
    event.setEventid(-1);
    event.setTimestamp(Timestamp.fromDate(new Date()));
    event.setSuborchestrationinstancefailed(failed);
    instance.pendingEvents.push(event);
    backend.enqueueOrchestration(parent);
  }, () => {});
};

const busy = new Set();

async function turn(instance) {
  const pending = instance.pendingEvents;
  instance.pendingEvents = [];
  // messages to an instance that has ended are dropped
  if (backend.isTerminalStatus(instance.status)) return;
  busy.add(instance.instanceId);
  const generation = instance.executionId;
  const batch = faults.deliver(pending, (events, wait) => setTimeout(() => {
    // results are those of a generation
    instance.pendingEvents.push(...events.filter(event => event.hasEventraised() || instance.executionId === generation));
    backend.enqueueOrchestration(instance.instanceId);
  }, wait));
  if (!batch[0]?.hasOrchestratorstarted()) batch.unshift(orchestratorStarted());
  const request = new pb.OrchestratorRequest();
  request.setInstanceid(instance.instanceId);
  if (!faults.isHit('empty')) {
    request.setPasteventsList(instance.history);
    request.setNeweventsList(batch);
  } else if (instance.history.length > 0) request.setNeweventsList(batch);
  // newer extensions tell their capabilities, and understand a worker that asks for the turn again
  const include = new Value();
  include.setBoolValue(true);
  request.getPropertiesMap().set('IncludeState', include);
  const token = instance.completionToken;
  const answer = await call({
    kind: 'turn', instance: instance.instanceId, name: instance.name, body: Buffer.from(request.serializeBinary()).toString('base64'),
  });
  const response = answer.body ? pb.OrchestratorResponse.deserializeBinary(Buffer.from(answer.body, 'base64')) : null;
  const late = instance.pendingEvents;
  instance.pendingEvents = batch;
  if (response?.getRequireshistory() || faults.isHit('lost')) abandon(instance, late);
  else complete(instance, token, response ? response.getActionsList() : hostFailure(answer.failed), response?.getCustomstatus()?.getValue(), late);
}

function abandon(instance, late) {
  instance.pendingEvents.push(...late);
  setTimeout(() => {
    busy.delete(instance.instanceId);
    backend.enqueueOrchestration(instance.instanceId);
  }, 50);
}

function complete(instance, token, actions, status, late) {
  const committed = faults.commits(actions);
  const isSplit = committed < actions.length;
  actions = actions.slice(0, committed);
  backend.completeOrchestration(instance.instanceId, token, actions, status);
  for (const action of actions) if (action.hasSendevent()) instance.history.push(eventSent(action));
  // an absent status clears what was there
  if (status === undefined) instance.customStatus = undefined;
  const isNext = instance.history.length === 0;
  (isNext ? instance.pendingEvents : instance.history).push(orchestratorCompleted());
  if (isSplit) {
    const [created, fired] = faults.splitCheckpoint();
    instance.history.push(created);
    instance.pendingEvents.push(fired);
  }
  instance.pendingEvents.push(...late);
  busy.delete(instance.instanceId);
  if (instance.pendingEvents.length > 0) backend.enqueueOrchestration(instance.instanceId);
}

async function activity(item) {
  const answer = await call({ kind: 'activity', instance: item.instanceId, name: item.name, input: item.input ?? null });
  if (answer.lost) answer.failure = { type: 'System.Net.Http.HttpRequestException', message: '500' };
  if (!answer.failure) {
    // a result that the host's JSON library may rewrite travels as a string
    backend.completeActivity(item.instanceId, item.taskId, answer.json ?? JSON.stringify(answer.result));
    return;
  }
  const instance = backend.instances.get(item.instanceId);
  if (!instance) return;
  const failed = new pb.TaskFailedEvent();
  failed.setTaskscheduledid(item.taskId);
  failed.setFailuredetails(failureDetails(answer.failure));
  const event = new pb.HistoryEvent();
  event.setEventid(-1);
  event.setTimestamp(Timestamp.fromDate(new Date()));
  event.setTaskfailed(failed);
  instance.pendingEvents.push(event);
  backend.enqueueOrchestration(item.instanceId);
}

// results that arrive within a few milliseconds are one turn, as with queues that are polled
setInterval(() => {
  const deferred = [];
  for (let instance; (instance = backend.getNextOrchestrationWorkItem());)
    if (busy.has(instance.instanceId)) deferred.push(instance.instanceId);
    else turn(instance).catch(error => { send({ kind: 'broken', error: String(error.stack) }); });
  for (const id of deferred) backend.enqueueOrchestration(id);
  for (let item; (item = backend.getNextActivityWorkItem());) activity(item);
}, 10);

readline.createInterface({ input: process.stdin }).on('line', line => {
  const message = JSON.parse(line);
  switch (message.kind) {
    case 'answer':
      waiting.get(message.call)(message);
      waiting.delete(message.call);
      break;
    case 'start':
      backend.createInstance(message.instance, message.name, message.input);
      backend.waitForState(message.instance, i => backend.isTerminalStatus(i.status), 0).then(i => send({
        kind: 'ended', instance: message.instance, status: i.status, output: i.output ?? null, customStatus: i.customStatus ?? null,
        failure: i.failureDetails?.getErrormessage() ?? null, events: i.history.length,
      }));
      break;
    case 'raise':
      backend.raiseEvent(message.instance, message.name, message.input);
      break;
    case 'suspend':
      backend.suspend(message.instance);
      break;
    case 'resume':
      backend.resume(message.instance);
      break;
    case 'terminate':
      backend.terminate(message.instance, message.input);
      break;
    case 'faults':
      faults = new Faults(pb, Timestamp, message);
      break;
    case 'inspect':
      send({
        kind: 'inspected', call: message.call, faults: faults.hits, instances: [...backend.instances.values()].map(i => ({
          instance: i.instanceId, name: i.name, status: i.status, output: i.output ?? null, customStatus: i.customStatus ?? null,
          failure: i.failureDetails?.getErrormessage() ?? null, events: i.history.length,
          history: i.history.map(e => e.getEventtypeCase()),
        })),
      });
      break;
  }
}).on('close', () => process.exit(0));
send({ kind: 'ready', ...(process.argv[3] === 'serve' ? await serve(backend, pb, require) : {}) });
