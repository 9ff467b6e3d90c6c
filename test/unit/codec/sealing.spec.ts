import { describe, expect, it } from '@jest/globals';
import { identityOf, SEAL } from '../../../lib/codec/envelope.js';
import type { KeyId } from '../../../lib/core/keys/key.js';
import {
  acme,
  changed,
  ENCRYPTED,
  entryOf,
  forge,
  idFor,
  keyOf,
  mended,
  MODES,
  replaced,
  rig,
  ring,
  secret,
  SIGNED,
  zeta,
} from './support/codecs.js';

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
    ['another generation', (bytes) => replaced(bytes, '0f1e2d3c', 'ffffffff')],
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

  it('C34: what can be written without a key, with no seal or a made-up one, is a miss', async () => {
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

  it('B22: under a key that is not on the ring: a miss, with one warning, and no damage', async () => {
    const sealed = await rig(ring(mode, two)).seal(1);
    const before = Buffer.from(sealed);
    const { open, events } = rig(options);
    for (let time = 0; time < 3; time++) expect(await open(sealed)).toBeUndefined();
    expect(events).toEqual([{ type: 'warning', message: expect.stringContaining('codec.encryption.keys') }]);
    expect(sealed.equals(before)).toBe(true);
    // A cache without any keys cannot read it either, and warns the same.
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

  it('without a key nothing opens and nothing is revealed about the contents', async () => {
    const { open, events } = rig(ring('encrypt', three));
    await open(await rig(ENCRYPTED).seal(canary));
    expect(JSON.stringify(events)).not.toContain('canary');
  });
});

function written(bytes: Buffer, write: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  write(copy);
  return copy;
}
