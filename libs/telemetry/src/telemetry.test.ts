import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { batchSpan, tickTraceparent } from './batch-span.ts';
import { errorFields } from './error-fields.ts';
import { startHealth } from './health.ts';
import { createLogger } from './logger.ts';
import { counter, gauge, histogram } from './metrics.ts';
import { redactText } from './redact.ts';
import { startTelemetry } from './start-telemetry.ts';

const fingerprint = '0123456789abcdef0123456789abcdef';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  ['postgresql://u:secret@h:5432/d', 'postgresql://u:***@h:5432/d'],
  ['cannot reach postgres://u:p@ss:w@h/d now', 'cannot reach postgres://u:***@h/d now'],
  ['{"url":"nats://tok3n@h:4222"}', '{"url":"nats://***@h:4222"}'],
  ['nats://u:secret@h', 'nats://u:***@h'],
  ['host=h password=secret user=u', 'host=h password=*** user=u'],
  ['postgresql://u@h/d?password=secret&x=1', 'postgresql://u@h/d?password=***&x=1'],
  ['postgresql://u@h:5432/d has no secret', 'postgresql://u@h:5432/d has no secret'],
  ["host=h password='my secret' user=u", 'host=h password=*** user=u'],
  [JSON.stringify({ dsn: "password='a\"b' user=u" }), '{"dsn":"password=*** user=u"}'],
  ['nats://t0ken@a,postgresql://u:p@b', 'nats://***@a,postgresql://u:***@b'],
])('secrets are taken out of %s', (text, expected) => {
  expect(redactText(text)).toBe(expected);
});

/** As it was written before, in time that grows with the square of the length. */
function redactedSlowly(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'\\]*):[^\s"'\\]*@/gi, '$1:***@')
    .replace(/\b((?:nats|tls|ws|wss):\/\/)[^\s:/@"'\\]+@/gi, (whole, scheme) =>
      whole.includes(':***@') ? whole : `${scheme}***@`,
    )
    .replace(/\b((?:ssl)?password|passphrase|token|nkey|creds)(=)[^\s&"'\\;,)]+/gi, '$1$2***');
}

test('texts of all kinds are redacted as before', () => {
  const urls = [',postgresql://', ' nats://', '=tls://', ',http://', 'u', 'p%40', 'host', ':5432', ':', '/d', '@'];
  const all = [
    ...urls,
    ' ',
    '"',
    "'",
    '\\n',
    ' password=',
    ',token=',
    'x',
    '&',
    ',',
    ';',
    '?sslmode=require',
    '=',
    'é',
    '\n',
  ];
  for (let seed = 1; seed <= 20_000; seed += 1) {
    let state = seed;
    const text = Array.from({ length: 1 + (seed % 14) }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return all[(state >>> 8) % all.length];
    }).join('');
    // New: a value in single quotes is a secret as well.
    if (!text.includes("='")) expect([text, redactText(text)]).toEqual([text, redactedSlowly(text)]);
  }
});

test.each(['a://b:', '://', 'nats://', 'a://', 'password=', "password='", 'a@', '\\', ':'])(
  'a megabyte of %s is redacted in a moment',
  (piece) => {
    const text = piece.repeat(1_000_000 / piece.length);
    const begin = performance.now();
    redactText(text);
    redactText(`${text}@`);
    expect(performance.now() - begin).toBeLessThan(1_000);
  },
);

test('a log line carries neither passwords nor the row values of a database error', () => {
  vi.stubEnv('MILLRACE_LOG_LEVEL', 'info');
  const lines: string[] = [];
  const log = createLogger({ service: 'test', queue: 'q' }, (line) => lines.push(line));
  const cause = Object.assign(new Error('invalid input syntax for type integer: "row-value"'), {
    code: '22P02',
    severity: 'ERROR',
    detail: 'row-value',
    where: 'COPY t, line 1: "row-value"',
  });
  log.error({ err: new Error('apply failed', { cause }), url: 'postgresql://u:secret@h/d' }, 'stopped');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('row-value');
  expect(lines[0]).not.toContain('secret');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    service: 'test',
    queue: 'q',
    err: { cause: { code: '22P02' } },
  });
});

test.each([
  ['22P02', 'invalid input syntax for type integer: "a"row-value"b"'],
  ['22P02', 'ungültige Eingabesyntax für Typ integer: »row-value«'],
  ['22P02', 'syntaxe en entrée invalide pour le type integer : « row-value »'],
  ['22007', 'недопустимое значение: "line one\nrow-value"'],
  ['22021', 'invalid byte sequence for encoding "UTF8": 0xe4 0x62 row'],
  ['P0001', 'no such customer: row-value'],
  ['P0004', 'row-value is not allowed'],
  ['42501', 'row-value'],
  ['ZZ999', 'row-value'],
])('the message of SQLSTATE %s is safe: %s', (code, message) => {
  const where = 'PL/pgSQL function public.check_it(integer,text) line 3 at RAISE\nSQL statement "SELECT \'row-value\'"';
  const text = JSON.stringify(errorFields(Object.assign(new Error(message), { code, severity: 'ERROR', where })));
  expect(text).not.toMatch(/row-value|0xe4/);
  if (code === 'P0001') expect(text).toContain('public.check_it(integer,text)');
});

test('a thrown value that is no error does not reach the log', () => {
  expect(JSON.stringify(errorFields({ row: 'row-value' }))).not.toContain('row-value');
});

test('health answers live, ready and metrics on a free port', async () => {
  const telemetry = await startTelemetry({ service: 'test', queue: 'q' });
  let ok = false;
  const health = await startHealth({
    host: '127.0.0.1',
    port: 0,
    metrics: telemetry.metrics,
    live: () => ({ ok: true, reasons: [] }),
    ready: () => ({ ok, reasons: ok ? [] : ['no route to postgresql://u:secret@h/d'] }),
  });
  counter('test_batches', 'help').add(2, { table: 'x' });
  gauge('test_lag', 'help').set(7);
  histogram('test_seconds', 'help').record(0.02);
  const notReady = await fetch(`${health.url}/ready`);
  expect(notReady.status).toBe(503);
  expect(await notReady.text()).not.toContain('secret');
  ok = true;
  expect((await fetch(`${health.url}/ready`)).status).toBe(200);
  expect((await fetch(`${health.url}/live`)).status).toBe(200);
  expect((await fetch(`${health.url}/nowhere`)).status).toBe(404);
  const text = await (await fetch(`${health.url}/metrics`)).text();
  expect(text).toContain('test_batches_total{table="x"} 2');
  expect(text).toContain('test_lag 7');
  expect(text).toContain('test_seconds_bucket{le="0.025"} 1');
  expect(text).toContain('process_resident_memory_bytes');
  await health.stop();
  await telemetry.stop();
  await telemetry.stop();
});

test('without an endpoint a batch span runs its work and still gives the context to carry on', async () => {
  const seen = await batchSpan('publish', { fingerprint: fingerprint }, async (span) =>
    span.child('copy', async (c) => c.traceparent),
  );
  expect(seen).toBe(tickTraceparent(fingerprint));
});

test("all spans of a batch are in the trace that its tick names, below the ticker's span", async () => {
  const collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  const telemetry = await startTelemetry({ service: 'test', queue: 'q' });
  await batchSpan('tick', { fingerprint: fingerprint, root: true, startedAt: Date.now() - 5 }, async () => {});
  const carried = await batchSpan('capture', { fingerprint: fingerprint }, async (span) =>
    span.child('read', async () => span.traceparent),
  );
  await expect(
    batchSpan('replay', { fingerprint: fingerprint, parentTraceparent: carried }, () =>
      Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
  await telemetry.stop();
  await collector.stop();
  const spans = collector.spans();
  const byName = Object.fromEntries(spans.map((s) => [s.name, s]));
  expect(new Set(spans.map((s) => s.traceId))).toEqual(new Set([fingerprint]));
  expect(byName['tick']?.parentSpanId ?? '').toBe('');
  expect(byName['capture']?.parentSpanId).toBe(byName['tick']?.spanId);
  expect(byName['read']?.parentSpanId).toBe(byName['capture']?.spanId);
  expect(byName['replay']?.parentSpanId).toBe(byName['capture']?.spanId);
  expect(byName['replay']?.status?.code).toBe(2);
});

type SentSpan = { name: string; traceId: string; spanId: string; parentSpanId?: string; status?: { code: number } };

// A stand-in for an OTLP collector: keeps the spans posted to it as JSON.
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/v1/traces') bodies.push(Buffer.concat(parts).toString());
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () =>
      bodies.flatMap((body) =>
        JSON.parse(body).resourceSpans.flatMap((r: { scopeSpans: { spans: SentSpan[] }[] }) =>
          r.scopeSpans.flatMap((s) => s.spans),
        ),
      ) as SentSpan[],
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
