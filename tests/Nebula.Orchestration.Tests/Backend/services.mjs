// What the Durable Functions extension offers to clients, in front of the in-memory backend: its gRPC service and its HTTP management API.
import http from 'node:http';

const ended = new Set([1, 3, 4, 5]);
const names = ['Running', 'Completed', 'ContinuedAsNew', 'Failed', 'Canceled', 'Terminated', 'Pending', 'Suspended'];

class Refused extends Error {
  constructor(code, status, message) {
    super(message);
    Object.assign(this, { code, status });
  }
}

export async function serve(backend, pb, require) {
  const operations = operationsOf(backend, pb, require);
  return { rpc: await serveGrpc(operations, backend, pb, require), http: await serveHttp(operations) };
}

// what failed leaves the history together with what asked for it, and children that failed are rewound too
function rewindInstance(backend, instance) {
  const failed = new Set(instance.history.filter(event => event.hasTaskfailed()).map(event => event.getTaskfailed().getTaskscheduledid()));
  const done = new Set(instance.history.filter(event => event.hasSuborchestrationinstancecompleted())
    .map(event => event.getSuborchestrationinstancecompleted().getTaskscheduledid()));
  instance.history = instance.history.filter(event => !event.hasExecutioncompleted() && !event.hasTaskfailed() && !event.hasSuborchestrationinstancefailed()
    && !(event.hasTaskscheduled() && failed.has(event.getEventid())));
  for (const event of instance.history.filter(event => event.hasSuborchestrationinstancecreated() && !done.has(event.getEventid()))) {
    const child = backend.instances.get(event.getSuborchestrationinstancecreated().getInstanceid());
    if (child?.status !== 3) continue;
    rewindInstance(backend, child);
    backend.watchSubOrchestration(instance.instanceId, child.instanceId, event.getEventid());
  }
  backend.prepareRewind(instance, 'rewound');
}

function operationsOf(backend, pb, require) {
  const { Timestamp } = require('google-protobuf/google/protobuf/timestamp_pb.js');
  const find = id => backend.instances.get(id);
  const living = id => {
    const instance = find(id);
    if (!instance) throw new Refused(5, 404, `No instance with ID '${id}' was found.`);
    if (ended.has(instance.status)) throw new Refused(9, 410, `The instance '${id}' is ${names[instance.status]}.`);
    return instance;
  };
  return {
    find,
    start(id, name, input, parent) {
      const before = find(id);
      if (before && !ended.has(before.status)) throw new Refused(6, 500, `An Orchestration instance with the status ${names[before.status]} already exists.`);
      if (before) backend.instances.delete(id);
      backend.createInstance(id, name, input);
      const started = find(id).pendingEvents.find(event => event.hasExecutionstarted());
      if (parent) started.getExecutionstarted().setParenttracecontext(parent);
    },
    raise: (id, name, input) => { living(id); backend.raiseEvent(id, name, input); },
    terminate: (id, reason) => { living(id); backend.terminate(id, reason); },
    suspend: id => { living(id); backend.suspend(id); },
    resume: id => { living(id); backend.resume(id); },
    // as the framework does it: what failed leaves the history, the rest runs again
    rewind(id) {
      const instance = find(id);
      if (!instance) throw new Refused(5, 404, `No instance with ID '${id}' was found.`);
      if (instance.status !== 3) throw new Refused(9, 410, `The instance '${id}' has not failed.`);
      if (process.env.NEBULA_TEST_NO_REWIND) throw new Refused(12, 501, 'This storage provider cannot rewind.');
      rewindInstance(backend, instance);
    },
    query: ({ statuses, prefix, top, token }) => {
      const all = [...backend.instances.values()].filter(i => (!prefix || i.instanceId.startsWith(prefix)) && (!statuses.length || statuses.includes(i.status)));
      const begin = Number(token ?? 0);
      return { instances: all.slice(begin, begin + top), token: begin + top < all.length ? String(begin + top) : null };
    },
    purge: (from, to, statuses) => {
      if (!from) throw new Refused(3, 400, 'Please provide value for createdTimeFrom parameter.');
      const all = [...backend.instances.values()].filter(i => i.createdAt >= from && i.createdAt < to && ended.has(i.status) && statuses.includes(i.status));
      for (const instance of all) backend.purge(instance.instanceId);
      return all.length;
    },
    Timestamp,
  };
}

async function serveGrpc(operations, backend, pb, require) {
  const grpc = require('@grpc/grpc-js');
  const root = require.resolve('@microsoft/durabletask-js').replace(/index\.js$/, '');
  const { TaskHubSidecarServiceService: service } = require(root + 'proto/orchestrator_service_grpc_pb.js');
  const { StringValue } = require('google-protobuf/google/protobuf/wrappers_pb.js');
  const text = value => {
    if (value === undefined || value === null) return undefined;
    const wrapper = new StringValue();
    wrapper.setValue(value);
    return wrapper;
  };
  const stateOf = (instance, withPayloads) => {
    const state = new pb.OrchestrationState();
    state.setInstanceid(instance.instanceId);
    state.setName(instance.name);
    state.setOrchestrationstatus(instance.status);
    state.setCreatedtimestamp(operations.Timestamp.fromDate(instance.createdAt));
    state.setLastupdatedtimestamp(operations.Timestamp.fromDate(instance.lastUpdatedAt));
    if (!withPayloads) return state;
    state.setInput(text(instance.input));
    state.setOutput(text(instance.output));
    state.setCustomstatus(text(instance.customStatus));
    if (instance.failureDetails) {
      // inner failures do not travel this way
      const outer = new pb.TaskFailureDetails();
      outer.setErrortype(instance.failureDetails.getErrortype());
      outer.setErrormessage(instance.failureDetails.getErrormessage());
      state.setFailuredetails(outer);
    }
    return state;
  };
  const unary = answer => (call, callback) => {
    try {
      callback(null, answer(call.request));
    } catch (error) {
      callback({ code: error.code ?? 13, details: error.message });
    }
  };
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  const methods = {
    startInstance: r => {
      operations.start(r.getInstanceid(), r.getName(), r.getInput()?.getValue(), r.getParenttracecontext());
      const answer = new pb.CreateInstanceResponse();
      answer.setInstanceid(r.getInstanceid());
      return answer;
    },
    getInstance: r => {
      const instance = operations.find(r.getInstanceid());
      const answer = new pb.GetInstanceResponse();
      answer.setExists(!!instance);
      if (instance) answer.setOrchestrationstate(stateOf(instance, r.getGetinputsandoutputs()));
      return answer;
    },
    raiseEvent: r => { operations.raise(r.getInstanceid(), r.getName(), r.getInput()?.getValue()); return new pb.RaiseEventResponse(); },
    terminateInstance: r => { operations.terminate(r.getInstanceid(), r.getOutput()?.getValue()); return new pb.TerminateResponse(); },
    suspendInstance: r => { operations.suspend(r.getInstanceid()); return new pb.SuspendResponse(); },
    resumeInstance: r => { operations.resume(r.getInstanceid()); return new pb.ResumeResponse(); },
    rewindInstance: r => { operations.rewind(r.getInstanceid()); return new pb.RewindInstanceResponse(); },
    queryInstances: r => {
      const query = r.getQuery();
      const page = operations.query({
        statuses: query.getRuntimestatusList(), prefix: query.getInstanceidprefix()?.getValue(), top: query.getMaxinstancecount() || 100,
        token: query.getContinuationtoken()?.getValue(),
      });
      const answer = new pb.QueryInstancesResponse();
      answer.setOrchestrationstateList(page.instances.map(instance => stateOf(instance, query.getFetchinputsandoutputs())));
      if (page.token) answer.setContinuationtoken(text(page.token));
      return answer;
    },
    purgeInstances: r => {
      const filter = r.getPurgeinstancefilter();
      const answer = new pb.PurgeInstancesResponse();
      answer.setDeletedinstancecount(operations.purge(filter.getCreatedtimefrom()?.toDate(), filter.getCreatedtimeto()?.toDate() ?? new Date(),
        filter.getRuntimestatusList()));
      return answer;
    },
  };
  server.addService(service, Object.fromEntries(Object.entries(methods).map(([name, answer]) => [name, unary(answer)])));
  const port = await new Promise((resolve, reject) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(),
    (error, bound) => error ? reject(error) : resolve(bound)));
  return `http://127.0.0.1:${port}`;
}

async function serveHttp(operations) {
  const parsed = value => {
    if (value === undefined || value === null) return null;
    try { return JSON.parse(value); } catch { return value; }
  };
  const stateOf = (instance, showInput) => ({
    name: instance.name, instanceId: instance.instanceId, runtimeStatus: names[instance.status], input: showInput ? parsed(instance.input) : null,
    customStatus: parsed(instance.customStatus), output: parsed(instance.output), createdTime: instance.createdAt.toISOString(),
    lastUpdatedTime: instance.lastUpdatedAt.toISOString(),
  });
  const answer = (method, path, query, body, headers) => {
    if (query.get('code') !== 'system-key') throw new Refused(16, 401, 'no key');
    const [kind, id, operation, name] = path.split('/').filter(part => part).slice(3).map(decodeURIComponent);
    const showInput = query.get('showInput') === 'true';
    if (kind === 'orchestrators' && method === 'POST') {
      operations.start(operation, id, body);
      return [202, { id: operation }];
    }
    if (kind === 'instances' && method === 'GET' && id) {
      const instance = operations.find(id);
      return instance ? [ended.has(instance.status) ? 200 : 202, stateOf(instance, showInput)] : [404, {}];
    }
    if (kind === 'instances' && method === 'GET') {
      const statuses = (query.get('runtimeStatus') ?? '').split(',').filter(s => s).map(s => names.indexOf(s));
      const page = operations.query({ statuses, prefix: query.get('instanceIdPrefix'), top: Number(query.get('top') ?? 100), token: headers['x-ms-continuation-token'] });
      return [200, page.instances.map(instance => stateOf(instance, showInput)), page.token ? { 'x-ms-continuation-token': page.token } : {}];
    }
    if (kind === 'instances' && method === 'DELETE') {
      const statuses = (query.get('runtimeStatus') ?? '').split(',').map(s => names.indexOf(s));
      const from = query.get('createdTimeFrom');
      return [200, { instancesDeleted: operations.purge(from && new Date(from), new Date(query.get('createdTimeTo') ?? Date.now()), statuses) }];
    }
    if (kind === 'instances' && method === 'POST' && operation === 'raiseEvent') {
      if (!headers['content-type']?.startsWith('application/json')) throw new Refused(3, 400, 'Only application/json request content is supported');
      operations.raise(id, name, body);
      return [202, {}];
    }
    if (kind === 'instances' && method === 'POST' && ['terminate', 'suspend', 'resume', 'rewind'].includes(operation)) {
      operations[operation](id, query.get('reason'));
      return [202, {}];
    }
    return [404, {}];
  };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk)).on('end', () => {
      const url = new URL(request.url, 'http://127.0.0.1');
      try {
        const [status, document, headers] = answer(request.method, url.pathname, url.searchParams, Buffer.concat(chunks).toString() || undefined, request.headers);
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document));
      } catch (error) {
        response.writeHead(error.status ?? 500, { 'content-type': 'application/json' }).end(JSON.stringify({ Message: error.message }));
      }
    });
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}/runtime/webhooks/durabletask`;
}
