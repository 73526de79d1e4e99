import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMessage, signMessage } from './frame.ts';
import { type Author, Keyring } from './keyring.ts';
import { pulse } from './messages-v1.ts';
import { readJson, signJson } from './signed-json.ts';

const [one = '', two = ''] = ['q9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0PaY', 'Yq9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0Pa'];
const ring = (keys: readonly string[], acceptUnsigned = false, queue = 'main') =>
  new Keyring(queue, { keys, acceptUnsigned });
const message = { author: 'provider' as Author, subject: 'millrace.main.batch', content: 'text', stamp: 7 };

test('a signature is good for its author, subject, content and place, and for nothing else', () => {
  const signature = ring([one]).sign(message);
  expect(ring([one]).verify(message, signature)).toEqual({ isTrusted: true, stamp: 7 });
  const others = [
    { ...message, author: { subscriber: 'eu' } },
    { ...message, subject: 'millrace.main.backfill.eu' },
    { ...message, content: 'texT' },
  ];
  for (const other of others) expect(ring([one]).verify(other, signature).isTrusted).toBe(false);
  expect(ring([one], false, 'other').verify(message, signature).isTrusted).toBe(false);
  expect(ring([two], true).verify(message, signature).isTrusted).toBe(false);
  expect(ring([one], true).verify(message, signature?.replace('1;7;', '1;8;')).isTrusted).toBe(false);
});

test('the first key signs and all are accepted; unsigned messages are accepted only where that is configured', () => {
  const [before, during, after] = [ring([one]), ring([two, one]), ring([two])];
  expect(during.verify(message, before.sign(message)).isTrusted).toBe(true);
  expect(after.verify(message, during.sign(message)).isTrusted).toBe(true);
  expect(after.verify(message, before.sign(message)).isTrusted).toBe(false);
  expect(after.verify(message, undefined)).toEqual({
    isTrusted: false,
    reason: 'not signed by us: it has no signature',
  });
  expect(ring([two], true).verify(message, undefined)).toEqual({ isTrusted: true, stamp: undefined });
  expect(ring([]).sign(message)).toBeUndefined();
  expect(ring([]).verify(message, 'anything').isTrusted).toBe(true);
});

test('the key of a host reads what the provider signs and signs as its own subscriber only', () => {
  const all = ring([one]);
  const host = ring(all.hostKeys('eu'));
  const report = { ...message, author: { subscriber: 'eu' } };
  expect(host.verify(message, all.sign(message)).isTrusted).toBe(true);
  expect(all.verify(report, host.sign(report)).isTrusted).toBe(true);
  expect(() => host.sign({ ...report, author: { subscriber: 'us' } })).toThrow('does not sign for the subscriber us');
  expect(() => host.hostKeys('us')).toThrow('only where bus.key is the key itself');
});

test('whatever bytes and signatures come, reading gives an answer and never throws', () => {
  const keyring = ring([one]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.option(fc.string(), { nil: undefined }), (data, signature) => {
      const received = { subject: 's', data, signature, sequence: 1 };
      expect(readMessage(keyring, received)).toMatchObject({ kind: 'refused', isForeign: true });
      const good = signMessage(keyring, received);
      expect(readMessage(keyring, { ...received, signature: good })).toMatchObject({
        kind: 'refused',
        isForeign: false,
      });
      expect(readJson(keyring, pulse, { author: 'provider', ...received }).kind).toBe('refused');
    }),
  );
  const text = '{"tick":1,"age_ms":2}';
  const json = { author: 'provider' as Author, subject: 's', text, data: Buffer.from(text) };
  const read = readJson(keyring, pulse, { ...json, signature: signJson(keyring, json) });
  expect(read).toMatchObject({ kind: 'message', message: { tick: 1 } });
});

test('a message that was signed for another place in the stream is not ours here', () => {
  const keyring = ring([one]);
  const at = (sequence: number) => ({ subject: 's', data: Buffer.alloc(8), sequence });
  const read = readMessage(keyring, { ...at(9), signature: signMessage(keyring, at(8)) });
  expect(read).toMatchObject({ kind: 'refused', isForeign: true, reason: expect.stringContaining('it was message 8') });
});
