// S3 as fauxqs plays it, in memory, on a port that the system chooses: it says which. Ends with its standard input, so that nothing outlives the tests.
// What fauxqs leaves out and Nebula uses is added here, as the S3 API reference describes it; see README.md.
import { createHash, createHmac } from 'node:crypto';
import { buildApp } from 'fauxqs';
import { S3Store } from './node_modules/fauxqs/dist/s3/s3Store.js';

const keys = { 'nebula-test': 'nebula-secret' };
const store = new S3Store();
const app = buildApp({ logger: false, stores: { s3Store: store } });

const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const md5 = (bytes, encoding) => createHash('md5').update(bytes).digest(encoding);

function fail(reply, status, code) {
  reply.status(status).header('content-type', 'application/xml').send(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  return reply;
}

function answer(reply, name, items) {
  reply.status(200).header('content-type', 'application/xml')
    .send(`<?xml version="1.0" encoding="UTF-8"?><${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${items}</${name}>`);
  return reply;
}

// Signature Version 4 of the header
function refuses(request) {
  const found = /Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]+)/.exec(request.headers.authorization ?? '');
  if (!found) return 'AccessDenied';
  const [, id, day, region, signed, signature] = found;
  if (!(id in keys)) return 'InvalidAccessKeyId';
  const [path, query = ''] = request.raw.url.split('?');
  const canonical = [
    request.method, path, query.split('&').filter(Boolean).map(pair => pair.includes('=') ? pair : `${pair}=`).sort().join('&'),
    ...signed.split(';').map(name => `${name}:${String(request.headers[name]).trim()}`), '', signed, request.headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${keys[id]}`);
  return createHmac('sha256', key).update(text).digest('hex') === signature ? null : 'SignatureDoesNotMatch';
}

const find = (bucket, key) => {
  try {
    return store.getObject(bucket, key);
  } catch {
    return null;
  }
};

app.addHook('onRequest', async (request, reply) => {
  const refusal = refuses(request);
  if (refusal) return fail(reply, 403, refusal);
  // a copy has no body, whatever its header says of it
  if (request.headers['x-amz-copy-source']) request.headers['content-type'] = 'application/octet-stream';
});

app.addHook('preHandler', async (request, reply) => {
  const { bucket, '*': key } = request.params;
  const { query, headers, method } = request;
  if (method === 'PUT' && headers['content-md5'] && md5(request.body, 'base64') !== headers['content-md5']) return fail(reply, 400, 'BadDigest');
  if (method === 'PUT' && key && !query.uploadId && (headers['if-none-match'] || headers['if-match'])) {
    const there = find(bucket, key);
    if (headers['if-none-match'] && there) return fail(reply, 412, 'PreconditionFailed');
    if (headers['if-match'] && !there) return fail(reply, 404, 'NoSuchKey');
    if (headers['if-match'] && there.etag !== headers['if-match']) return fail(reply, 412, 'PreconditionFailed');
  }
  if (method === 'GET' && !key && 'uploads' in query) {
    const uploads = [...store.multipartUploads.values()].filter(upload => upload.bucket === bucket && upload.key.startsWith(query.prefix ?? ''));
    return answer(reply, 'ListMultipartUploadsResult', `<Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>` + uploads.map(upload =>
      `<Upload><Key>${escape(upload.key)}</Key><UploadId>${upload.uploadId}</UploadId><Initiated>${upload.initiated.toISOString()}</Initiated></Upload>`).join(''));
  }
  if (key && query.uploadId && (method === 'GET' || headers['x-amz-copy-source'])) {
    const upload = store.multipartUploads.get(query.uploadId);
    if (!upload) return fail(reply, 404, 'NoSuchUpload');
    if (method === 'GET') {
      // few at a time, so that pages are turned
      const page = 3, after = Number(query['part-number-marker'] ?? 0);
      const parts = [...upload.parts.values()].filter(part => part.partNumber > after).sort((a, b) => a.partNumber - b.partNumber);
      const shown = parts.slice(0, page);
      return answer(reply, 'ListPartsResult', `<IsTruncated>${parts.length > page}</IsTruncated><NextPartNumberMarker>${shown.at(-1)?.partNumber ?? 0}</NextPartNumberMarker>` + shown.map(part =>
        `<Part><PartNumber>${part.partNumber}</PartNumber><ETag>${escape(part.etag)}</ETag><Size>${part.body.length}</Size></Part>`).join(''));
    }
    const [from, ...rest] = decodeURIComponent(headers['x-amz-copy-source']).replace(/^\//, '').split('/');
    const source = find(from, rest.join('/'));
    if (!source) return fail(reply, 404, 'NoSuchKey');
    const range = /bytes=(\d+)-(\d+)/.exec(headers['x-amz-copy-source-range'] ?? '');
    const etag = store.uploadPart(query.uploadId, Number(query.partNumber), range ? source.body.subarray(Number(range[1]), Number(range[2]) + 1) : source.body);
    return answer(reply, 'CopyPartResult', `<ETag>${escape(etag)}</ETag>`);
  }
});

const address = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdin.on('end', () => process.exit(0)).resume();
console.log(`listening at ${address}`);
