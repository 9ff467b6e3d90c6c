import { describe, expect, it } from '@jest/globals';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { resolveCodecOptions } from '../../../lib/codec/codec.options.js';
import { examine, frameOf, identityOf, type Envelope } from '../../../lib/codec/envelope.js';
import { HeaderTails } from '../../../lib/codec/header-tail.js';
import { resolveKeyRing, type EncryptionKey, type EncryptionOptions } from '../../../lib/codec/key-ring.js';
import { Sealer } from '../../../lib/codec/sealer.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import type { KeyId } from '../../../lib/core/keys/key.js';
import { acme, entryOf, idFor, keyOf, MODES, rig, ring, secret, zeta } from './support/codecs.js';

const [one, two] = [keyOf(1), keyOf(2)] as const;

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

  it('prove for which id they sealed, even without a comparison of the name in the header', async () => {
    for (const [mode, options] of MODES) {
      const sealed = await rig(options).seal('x', acme);
      const envelope = examine(sealed, identityOf(acme), new HeaderTails()) as Envelope;
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

  it('are warned about, once, when they have sealed as much as is good for them', () => {
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
