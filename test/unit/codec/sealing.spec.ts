import { describe, expect, it } from '@jest/globals';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import type { CodecOptions } from '../../../lib/codec/codec.options.js';
import { resolveCodecOptions } from '../../../lib/codec/codec.options.js';
import { examine, frameOf, identityOf, SEAL, type Envelope } from '../../../lib/codec/envelope.js';
import { resolveKeyRing, type EncryptionKey, type EncryptionOptions } from '../../../lib/codec/key-ring.js';
import { Sealer } from '../../../lib/codec/sealer.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import type { KeyId } from '../../../lib/core/key.js';
import { changed, ENCRYPTED, entryOf, forge, idFor, mended, replaced, rig, secret, SIGNED } from './support/codecs.js';

const MODES = [
  ['encrypt', ENCRYPTED],
  ['sign', SIGNED],
] as const;
const acme = idFor({ tenant: 'acme' });
const zeta = idFor({ tenant: 'zeta' });

const ring = (mode: 'encrypt' | 'sign', ...keys: EncryptionKey[]): CodecOptions => ({ encryption: { keys, mode } });
const keyOf = (seed: number): EncryptionKey => ({ id: `k${seed}`, secret: secret(seed) });
const [one, two, three] = [keyOf(1), keyOf(2), keyOf(3)] as const;

describe.each(MODES)('%s', (mode, options) => {
  it('B20: moved to another key, user or tenant, with the name in it changed to fit: forged', async () => {
    const { codec, open, events } = rig(options);
    const ids = [acme, zeta, idFor({ tenant: 'acme', parts: [43] }), idFor({ tenant: 'acme', namespace: 'Dogs.find' })];
    for (const from of ids) {
      const sealed = await codec.seal(entryOf('secret'), from);
      for (const to of ids.filter((id) => id !== from)) {
        events.length = 0;
        expect(await open(sealed, to)).toBeUndefined();
        expect(await open(mended(replaced(sealed, from, to)), to)).toBeUndefined();
        expect(events.map((event) => ('reason' in event ? event.reason : event.type))).toEqual([
          'identity-mismatch',
          'forged',
        ]);
      }
    }
  });

  it('B20: the same where ids are too long to stand in the envelope', async () => {
    const [from, to] = ['a', 'b'].map((letter) => idFor({ tenant: `${'t'.repeat(200)}${letter}` })) as [KeyId, KeyId];
    const { codec, open, events } = rig(options);
    const sealed = await codec.seal(entryOf('secret'), from);
    expect(await open(mended(replaced(sealed, identityOf(from), identityOf(to))), to)).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'forged' }]);
  });

  it.each<readonly [string, (bytes: Buffer) => Buffer]>([
    ['a later stamp', (bytes) => written(bytes, (copy) => copy.writeDoubleLE(1_700_000_000_999_999, 24))],
    ['a longer ttl', (bytes) => written(bytes, (copy) => copy.writeDoubleLE(Infinity, 32))],
    ['a longer grace', (bytes) => written(bytes, (copy) => copy.writeDoubleLE(1e12, 40))],
    ['another incarnation', (bytes) => replaced(bytes, '0f1e2d3c', 'ffffffff')],
    ['another label', (bytes) => replaced(bytes, 't:cats', 't:dogs')],
    ['another mark', (bytes) => changed(bytes, 5, (byte) => byte ^ 1)],
    ['another format', (bytes) => changed(bytes, 18, () => 1)],
    ['another compression', (bytes) => changed(bytes, 19, () => 1)],
    ['another original size', (bytes) => changed(bytes, 20, (byte) => byte + 1)],
    ['another body', (bytes) => changed(bytes, bytes.length - 40, (byte) => byte ^ 1)],
    ['another seal', (bytes) => changed(bytes, bytes.length - 6, (byte) => byte ^ 1)],
  ])('B21: with %s and a checksum that fits: forged', async (_, forgeIt) => {
    const { seal, open, events } = rig(options);
    const sealed = await seal({ text: 'x'.repeat(100) });
    expect(await open(mended(forgeIt(sealed)))).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'forged' }]);
  });

  it('C34: every byte changed, the checksum right: a miss, never a value', async () => {
    const { seal, open } = rig(options);
    const sealed = await seal({ role: 'user' });
    const opened: number[] = [];
    for (let at = 0; at < sealed.length - 4; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        if ((await open(mended(changed(sealed, at, (byte) => byte ^ bit)))) !== undefined) opened.push(at);
      }
    }
    expect(opened).toEqual([]);
  });

  it('C34: what anybody can write, without a seal or under a seal made up, is a miss', async () => {
    const { open, events } = rig(options);
    expect(await open(await rig().seal({ role: 'admin' }))).toBeUndefined();
    expect(await open(forge('{"role":"admin"}', { keyId: 'k1' }))).toBeUndefined();
    for (const seal of [SEAL.signed, SEAL.encrypted])
      expect(await open(forge('{"role":"admin"}', { seal, keyId: 'k1' }))).toBeUndefined();
    expect(events.map((event) => 'reason' in event && event.reason)).toEqual([
      'unsealed',
      'unsealed',
      'forged',
      'forged',
    ]);
  });

  it('C34: a bomb behind a broken seal is never inflated', async () => {
    const { open, events } = rig(options);
    const seal = mode === 'encrypt' ? SEAL.encrypted : SEAL.signed;
    await open(forge(Buffer.from('not deflated'), { seal, keyId: 'k1', compression: 1, originalBytes: 1_000 }));
    expect(events).toMatchObject([{ reason: 'forged' }]);
  });

  it('B22: under a key that is not on the ring: a miss that is told of once, and is no damage', async () => {
    const sealed = await rig(ring(mode, two)).seal(1);
    const before = Buffer.from(sealed);
    const { open, events } = rig(options);
    for (let time = 0; time < 3; time++) expect(await open(sealed)).toBeUndefined();
    expect(events).toEqual([{ type: 'warning', message: expect.stringContaining('codec.encryption.keys') }]);
    expect(sealed.equals(before)).toBe(true);
    // A cache without any keys cannot read it either, and says the same.
    const plain = rig();
    expect(await plain.open(sealed)).toBeUndefined();
    expect(plain.events).toEqual(events);
  });

  it('C29: a rotation in four deployments: each reads what its neighbours wrote', async () => {
    const stages = [[one], [one, two], [two, one], [two]].map((keys) => rig(ring(mode, ...keys)));
    for (const [at, writer] of stages.entries()) {
      const sealed = await writer.seal({ stage: at });
      for (const reader of [at - 1, at, at + 1].flatMap((near) => stages[near] ?? [])) {
        expect((await reader.open(sealed))?.value).toEqual({ stage: at });
      }
    }
    expect(stages.flatMap(({ events }) => events)).toEqual([]);
    // Two deployments apart is one too many, and a miss.
    expect(await stages[3]!.open(await stages[0]!.seal(1))).toBeUndefined();
  });

  it('C30: another key under the same name: every entry is forged, none is touched, and the two can find out', async () => {
    const mine = rig(ring(mode, one));
    const theirs = rig(ring(mode, { id: one.id, secret: secret(9) }));
    const sealed = await mine.seal('mine');
    const before = Buffer.from(sealed);
    expect(await theirs.open(sealed)).toBeUndefined();
    expect(theirs.events).toMatchObject([{ type: 'damaged', reason: 'forged' }]);
    expect(sealed.equals(before)).toBe(true);
    expect(theirs.codec.keyChecks.get('k1')).not.toBe(mine.codec.keyChecks.get('k1'));
    expect(rig(ring(mode, two, one)).codec.keyChecks.get('k1')).toBe(mine.codec.keyChecks.get('k1'));
    expect([...mine.codec.keyChecks.values()].join()).not.toContain(secret(1).toString('base64url').slice(0, 8));
  });

  it('two caches of other prefixes share nothing, though they share their keys', async () => {
    const [mine, theirs] = [rig(options, { prefix: 'orders' }), rig(options, { prefix: 'order' })];
    expect(await theirs.open(await mine.seal('mine'))).toBeUndefined();
    expect(theirs.events).toMatchObject([{ reason: 'forged' }]);
  });

  it('entries of the other mode open too, so that the mode can be changed', async () => {
    const other = rig(mode === 'encrypt' ? SIGNED : ENCRYPTED);
    expect((await rig(options).open(await other.seal([1])))?.value).toEqual([1]);
  });
});

describe('C28: what is encrypted cannot be read', () => {
  const canary = 'canary-4111-1111-1111-1111';
  const values = {
    text: canary,
    object: { card: canary, [canary]: 1 },
    tagged: { card: new Map([[canary, new Date(0)]]), pad: Buffer.from(canary) },
    bytes: Buffer.from(canary),
    large: { rows: Array.from({ length: 200 }, () => canary) },
  };

  it.each(Object.entries(values))('%s: no four bytes of it, in any encoding', async (_, value) => {
    for (const options of [ENCRYPTED, { ...ENCRYPTED, compression: { threshold: 0 } }]) {
      const { seal, open } = rig(options);
      const sealed = await seal(value);
      expect((await open(sealed))?.value).toEqual(value);
      const forms = [
        canary,
        Buffer.from(canary).toString('base64'),
        Buffer.from(canary).toString('hex'),
        JSON.stringify(value).slice(0, 200),
      ];
      const shown = forms
        .flatMap((form) => Array.from({ length: form.length - 4 }, (_unused, at) => form.slice(at, at + 4)))
        .filter((part) => sealed.includes(part, 0, 'latin1'));
      expect(shown).toEqual([]);
    }
  });

  it('equal values look different every time, and as long as they are', async () => {
    const { seal } = rig(ENCRYPTED);
    const sealed = await Promise.all(Array.from({ length: 50 }, () => seal(canary)));
    expect(new Set(sealed.map((bytes) => bytes.subarray(-60, -4).toString('latin1'))).size).toBe(50);
    expect(new Set(sealed.map((bytes) => bytes.length)).size).toBe(1);
  });

  it('without a key nothing opens and nothing is said about the contents', async () => {
    const { open, events } = rig(ring('encrypt', three));
    await open(await rig(ENCRYPTED).seal(canary));
    expect(JSON.stringify(events)).not.toContain('canary');
  });
});

describe('keys of tenants', () => {
  /** What a sealer makes of a body under a nonce of the test's choice. */
  function closed(sealer: Sealer, id: KeyId, body = Buffer.from('the same body in every tenant')): Buffer {
    const wrapping = {
      seal: sealer.seal,
      format: 0,
      compression: 0,
      isAscii: true,
      originalBytes: body.length,
      keyId: sealer.keyId,
      serializer: '',
    };
    const frame = frameOf(
      entryOf(undefined, { labels: [] }),
      wrapping,
      identityOf(id),
      body.length,
      (target, at) => void target.fill(1, at, at + 12),
    );
    body.copy(frame.bytes, frame.bodyStart);
    sealer.close(frame, id);
    return frame.bytes.subarray(frame.bodyStart, frame.bodyEnd);
  }
  const sealerOf = (prefix: string, onWornOut: (id: string) => void = () => undefined, maxSeals?: number): Sealer =>
    new Sealer(resolveKeyRing({ keys: [one] }), prefix, onWornOut, maxSeals);

  it('differ by tenant and by cache, and are shared by the users of a tenant', () => {
    const sealer = sealerOf('test');
    // One key and one nonce make one key stream, whatever else is authenticated.
    const streams = [acme, zeta, idFor({ width: 'global' })].map((id) => closed(sealer, id).toString('hex'));
    expect(new Set(streams).size).toBe(3);
    expect(closed(sealer, idFor({ width: 'user', user: 'bob' })).toString('hex')).toBe(streams[0]);
    expect(closed(sealer, idFor({ width: 'user', user: 'eve' })).toString('hex')).toBe(streams[0]);
    expect(closed(sealerOf('other'), acme).toString('hex')).not.toBe(streams[0]);
  });

  it('no tenant’s name can be made to look like another’s user', () => {
    const sealer = sealerOf('test');
    const ids = [
      idFor({ tenant: 'a.b' }),
      idFor({ tenant: 'a', width: 'user', user: 'b' }),
      idFor({ tenant: 'g' }),
      idFor({ width: 'global' }),
      idFor({ tenant: 'a b' }),
      idFor({ tenant: 'a/b' }),
    ];
    expect(new Set(ids.map((id) => closed(sealer, id).toString('hex'))).size).toBe(ids.length);
  });

  it('prove for which id they sealed, even if nobody compared the name in the header', async () => {
    for (const [mode, options] of MODES) {
      const sealed = await rig(options).seal('x', acme);
      const envelope = examine(sealed, identityOf(acme)) as Envelope;
      const sealer = new Sealer(resolveKeyRing({ keys: [one], mode }), 'test', () => undefined);
      expect(sealer.open(envelope, acme)).toBeDefined();
      // Of the same tenant, and so under the same derived key.
      expect(sealer.open(envelope, idFor({ parts: [43] }))).toBeUndefined();
    }
  });

  it('are kept for the last thousand only', () => {
    const sealer = sealerOf('test');
    for (let tenant = 0; tenant < 1_200; tenant++) closed(sealer, idFor({ tenant: `t${tenant}` }));
    const kept = Reflect.get(sealer, 'derived') as Map<string, unknown>;
    expect(kept.size).toBe(1_000);
    expect(kept.has('encrypt k1 t.t1199')).toBe(true);
    expect(kept.has('encrypt k1 t.t199')).toBe(false);
    closed(sealer, idFor({ tenant: 't200' }));
    closed(sealer, idFor({ tenant: 'new' }));
    expect([kept.has('encrypt k1 t.t200'), kept.has('encrypt k1 t.t201')]).toEqual([true, false]);
  });

  it('are told of, once, when they have sealed as much as is good for them', () => {
    const worn: string[] = [];
    const sealer = sealerOf('test', (id) => worn.push(id), 3);
    for (let time = 0; time < 2; time++) [acme, zeta].forEach((id) => closed(sealer, id));
    expect(worn).toEqual([]);
    for (let time = 0; time < 5; time++) closed(sealer, acme);
    expect(worn).toEqual(['k1']);
  });
});

describe('key material', () => {
  const bytes = secret(7);
  const forms: readonly (readonly [string, EncryptionKey['secret']])[] = [
    ['a Buffer', bytes],
    ['a Uint8Array', new Uint8Array(bytes)],
    ['a KeyObject', createSecretKey(bytes)],
    ['hex', bytes.toString('hex')],
    ['hex in capitals', bytes.toString('hex').toUpperCase()],
    ['base64', bytes.toString('base64')],
    ['base64url', bytes.toString('base64url')],
  ];

  it.each(forms)('%s of 32 bytes is the same key', async (_, form) => {
    const sealed = await rig(ring('encrypt', { id: 'k', secret: bytes })).seal('x');
    expect((await rig(ring('encrypt', { id: 'k', secret: form })).open(sealed))?.value).toBe('x');
  });

  it('a Buffer that is wiped after start-up does not take the key with it', async () => {
    const mine = Buffer.from(bytes);
    const { seal, open } = rig(ring('encrypt', { id: 'k', secret: mine }));
    mine.fill(0);
    expect((await rig(ring('encrypt', { id: 'k', secret: bytes })).open(await seal('x')))?.value).toBe('x');
    expect((await open(await seal('x')))?.value).toBe('x');
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['a passphrase', 'correct horse battery staple', 'keys[0].secret'],
    ['a passphrase of 32 characters', 'hunter2hunter2hunter2hunter2hunt', 'keys[0].secret'],
    ['31 bytes', Buffer.from(bytes.subarray(1)), 'keys[0].secret'],
    ['33 bytes', Buffer.concat([bytes, Buffer.from('x')]), 'keys[0].secret'],
    ['base64 of 31 bytes', bytes.subarray(1).toString('base64'), 'keys[0].secret'],
    ['32 zeros', Buffer.alloc(32), 'keys[0].secret'],
    ['64 times the digit 0', '0'.repeat(64), 'keys[0].secret'],
    ['nothing', undefined, 'keys[0].secret'],
    ['a number', 12_345, 'keys[0].secret'],
    ['a public key', generateKeyPairSync('ed25519').publicKey, 'keys[0].secret'],
    ['a KeyObject of 16 bytes', createSecretKey(bytes.subarray(16)), 'keys[0].secret'],
  ];

  it.each(wrong)('%s is refused, by name and without showing it', (_, form, option) => {
    const start = (): unknown => resolveCodecOptions({ encryption: { keys: [{ id: 'k', secret: form as string }] } });
    expect(start).toThrow(CacheConfigError);
    expect(start).toThrow(`codec.encryption.${option}: `);
    try {
      start();
    } catch (error) {
      const shown = inspect(error, { depth: 10, showHidden: true }).split('    at ')[0]!;
      for (const part of [
        'hunter2',
        'horse',
        '12345',
        '12_345',
        bytes.toString('hex').slice(4, 12),
        bytes.toString('base64').slice(4, 10),
      ]) {
        expect(shown).not.toContain(part);
      }
    }
  });

  it.each<readonly [string, unknown, string]>([
    ['no keys', {}, 'codec.encryption.keys: '],
    ['an empty ring', { keys: [] }, 'codec.encryption.keys: '],
    [
      'seventeen keys',
      { keys: Array.from({ length: 17 }, (_, at) => ({ id: `k${at}`, secret: bytes })) },
      'codec.encryption.keys: ',
    ],
    ['one name twice', { keys: [one, { ...two, id: one.id }] }, 'codec.encryption.keys: has two keys of the id k1'],
    ['a name with a line feed', { keys: [{ id: 'a\nb', secret: bytes }] }, 'codec.encryption.keys[0].id: '],
    ['an empty name', { keys: [one, { id: '', secret: bytes }] }, 'codec.encryption.keys[1].id: '],
    ['an unknown mode', { keys: [one], mode: 'rot13' }, 'codec.encryption.mode: '],
    ['an unknown option', { keys: [one], algorithm: 'aes' }, 'codec.encryption.algorithm: '],
    ['an unknown option of a key', { keys: [{ ...one, kid: 'k' }] }, 'codec.encryption.keys[0].kid: '],
    ['a bare key', { keys: [bytes.toString('hex')] }, 'codec.encryption.keys[0]: '],
    ['a text', bytes.toString('hex'), 'codec.encryption: '],
  ])('%s is refused', (_, encryption, message) => {
    const start = (): unknown => resolveCodecOptions({ encryption: encryption as EncryptionOptions });
    expect(start).toThrow(CacheConfigError);
    expect(start).toThrow(message);
    expect(start).not.toThrow(bytes.toString('hex').slice(0, 8));
  });

  it('resolved options do not show it either', () => {
    const resolved = resolveCodecOptions({ encryption: { keys: [{ id: 'k', secret: bytes.toString('base64') }] } });
    const shown = inspect(resolved, { depth: 10, showHidden: true }) + JSON.stringify(resolved);
    expect(shown).not.toContain(bytes.toString('base64').slice(2, 10));
    expect(shown).not.toContain(bytes.toString('hex').slice(2, 10));
    expect(shown).not.toContain([...bytes.subarray(0, 4)].join(', '));
  });
});

function written(bytes: Buffer, write: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  write(copy);
  return copy;
}
