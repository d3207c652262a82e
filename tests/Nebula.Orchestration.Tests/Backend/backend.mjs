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

const backend = new InMemoryOrchestrationBackend(1_000_000);
const waiting = new Map();
let nextCall = 0;

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

const busy = new Set();

async function turn(instance) {
  busy.add(instance.instanceId);
  const batch = instance.pendingEvents;
  instance.pendingEvents = [];
  if (!batch[0].hasOrchestratorstarted()) batch.unshift(orchestratorStarted());
  const request = new pb.OrchestratorRequest();
  request.setInstanceid(instance.instanceId);
  request.setPasteventsList(instance.history);
  request.setNeweventsList(batch);
  const token = instance.completionToken;
  const answer = await call({ kind: 'turn', body: Buffer.from(request.serializeBinary()).toString('base64') });
  const response = pb.OrchestratorResponse.deserializeBinary(Buffer.from(answer.body, 'base64'));
  const late = instance.pendingEvents;
  instance.pendingEvents = batch;
  const actions = response.getActionsList();
  backend.completeOrchestration(instance.instanceId, token, actions, response.getCustomstatus()?.getValue());
  for (const action of actions) if (action.hasSendevent()) instance.history.push(eventSent(action));
  instance.pendingEvents.push(...late);
  busy.delete(instance.instanceId);
  if (instance.pendingEvents.length > 0) backend.enqueueOrchestration(instance.instanceId);
}

async function activity(item) {
  const answer = await call({ kind: 'activity', instance: item.instanceId, name: item.name, input: item.input ?? null });
  // a result that the host's JSON library may rewrite travels as a string
  if (answer.lost) backend.completeActivity(item.instanceId, item.taskId, undefined, Object.assign(new Error('500'),
      { name: 'System.Net.Http.HttpRequestException' }));
  else backend.completeActivity(item.instanceId, item.taskId, JSON.stringify(answer.result));
}

setInterval(() => {
  const deferred = [];
  for (let instance; (instance = backend.getNextOrchestrationWorkItem());)
    if (busy.has(instance.instanceId)) deferred.push(instance.instanceId);
    else turn(instance).catch(error => { send({ kind: 'broken', error: String(error.stack) }); });
  for (const id of deferred) backend.enqueueOrchestration(id);
  for (let item; (item = backend.getNextActivityWorkItem());) activity(item);
}, 5);

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
  }
}).on('close', () => process.exit(0));
send({ kind: 'ready' });
