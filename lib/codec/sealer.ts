/**
 * Protects bodies, and with them every word of the header: whatever is moved to another id, tenant or cache, dated
 * anew, or labelled otherwise no longer opens. What is proven is
 *
 *     id LF header        the id in full, and all bytes before the body (mark, stamp, times, words)
 *
 * followed, when signed, by the body. Keys never protect anything themselves: what does is derived from them, for one
 * purpose and one partition (a tenant, or the global part), by
 *
 *     HKDF-SHA-256(key, salt = "nestjs-scoped-cache/1 <prefix>", info = "<purpose> <partition>")
 *
 * so that a tenant's key can be read out of no other tenant's, and two caches on one server share none.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import type { KeyId } from '../core/keys/key.js';
import { partitionOfId } from '../core/keys/partition.js';
import { nonceOf, SEAL, type Envelope, type Frame } from './envelope.js';
import type { KeyRing } from './key-ring.js';

const CIPHER = 'aes-256-gcm';
const TAG = Object.freeze({ authTagLength: 16 });
/** Derived keys that are kept, least recently used first to go. Deriving one takes about as long as sealing ten entries. */
const MAX_DERIVED = 1_000;
/** Half of the 2³² random IVs after which a GCM key should have been replaced (NIST SP 800-38D). */
const MAX_SEALS: number = 2 ** 31;

type Purpose = 'encrypt' | 'sign' | 'check';

interface DerivedKey {
  readonly key: KeyObject;
  /** Entries this process has sealed with it since it was derived. */
  seals: number;
}

export class Sealer {
  private readonly derived = new Map<string, DerivedKey>();
  private readonly salt: string;

  constructor(
    private readonly ring: KeyRing,
    prefix: string,
    private readonly onWornOut: (keyId: string) => void,
    private readonly maxSeals = MAX_SEALS,
  ) {
    this.salt = `nestjs-scoped-cache/1 ${prefix}`;
  }

  /** How new entries are sealed: one of SEAL. */
  get seal(): number {
    return this.ring.mode === 'encrypt' ? SEAL.encrypted : SEAL.signed;
  }

  /** The key new entries are sealed with. */
  get keyId(): string {
    return this.ring.keys[0].id;
  }

  knows(keyId: string): boolean {
    return this.ring.keys.some(({ id }) => id === keyId);
  }

  /** For each key a text that is the same exactly when the key is, and that reveals nothing about it. */
  keyChecks(): ReadonlyMap<string, string> {
    return new Map(
      this.ring.keys.map(({ id, key }) => [id, Buffer.from(this.derive(key, 'check', '')).toString('base64url')]),
    );
  }

  /** Encrypts the body of an envelope where it stands, or leaves it; writes the seal behind it. */
  close({ bytes, bodyStart, bodyEnd }: Frame, id: KeyId): void {
    const purpose = this.ring.mode;
    const derived = this.keyFor(this.keyId, purpose, id);
    if (++derived.seals === this.maxSeals) this.onWornOut(this.keyId);
    const body = bytes.subarray(bodyStart, bodyEnd);
    const proven = provenBytes(id, bytes, bodyStart);
    if (purpose === 'sign') {
      createHmac('sha256', derived.key).update(proven).update(body).digest().copy(bytes, bodyEnd);
      return;
    }
    const cipher = createCipheriv(CIPHER, derived.key, nonceOf(bytes), TAG).setAAD(proven);
    // A stream cipher: as many bytes come out as went in.
    cipher.update(body).copy(body);
    cipher.final();
    cipher.getAuthTag().copy(bytes, bodyEnd);
  }

  /** The body as it was before {@link close}; undefined when anything is not as it was sealed. */
  open({ bytes, wrapping, bodyStart, bodyEnd, sealEnd }: Envelope, id: KeyId): Buffer | undefined {
    const body = bytes.subarray(bodyStart, bodyEnd);
    const seal = bytes.subarray(bodyEnd, sealEnd);
    const proven = provenBytes(id, bytes, bodyStart);
    if (wrapping.seal === SEAL.signed) {
      const { key } = this.keyFor(wrapping.keyId, 'sign', id);
      const expected = createHmac('sha256', key).update(proven).update(body).digest();
      return timingSafeEqual(expected, seal) ? body : undefined;
    }
    const { key } = this.keyFor(wrapping.keyId, 'encrypt', id);
    const decipher = createDecipheriv(CIPHER, key, nonceOf(bytes), TAG).setAAD(proven).setAuthTag(seal);
    const plain = decipher.update(body);
    try {
      decipher.final();
    } catch {
      // The tag does not fit. What was deciphered is dropped unseen.
      return undefined;
    }
    return plain;
  }

  private keyFor(keyId: string, purpose: Purpose, id: KeyId): DerivedKey {
    const partition = partitionOfId(id);
    const name = `${purpose} ${keyId} ${partition}`;
    let found = this.derived.get(name);
    if (found !== undefined) {
      // Moved to the end: the first in the Map is the least recently used.
      this.derived.delete(name);
    } else {
      const master = this.ring.keys.find((key) => key.id === keyId);
      if (master === undefined) throw new TypeError('A key was requested that is not on the ring.');
      found = { key: createSecretKey(Buffer.from(this.derive(master.key, purpose, partition))), seals: 0 };
      const [oldest] = this.derived.keys();
      if (this.derived.size >= MAX_DERIVED && oldest !== undefined) this.derived.delete(oldest);
    }
    this.derived.set(name, found);
    return found;
  }

  private derive(key: KeyObject, purpose: Purpose, partition: string): ArrayBuffer {
    return hkdfSync('sha256', key, this.salt, `${purpose} ${partition}`, 32);
  }
}

/** Ids have no line feed, so where the id ends and the header begins cannot be shifted. */
function provenBytes(id: KeyId, bytes: Buffer, headerEnd: number): Buffer {
  return Buffer.concat([Buffer.from(`${id}\n`), bytes.subarray(0, headerEnd)]);
}
