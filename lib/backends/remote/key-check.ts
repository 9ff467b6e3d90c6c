/**
 * Finds out that two processes call different keys by one name. What one of them seals, the other cannot open; it would
 * load and store everything again, and so would the first. Beside the entries lies, for each name, what tells its key
 * from others (and nothing about it): the first process writes it, and a process with another key seals nothing.
 */
import type { Codec } from '../../core/codec.js';
import { CacheConfigError } from '../../core/errors.js';
import { RefusedError } from '../shared/refused.error.js';

/**
 * What a server knows keys by: asked for once, written where nothing is known. The names under which it knows other
 * keys.
 */
export type AskForKeys = (checks: ReadonlyMap<string, string>) => Promise<readonly string[]>;

export class ServerKeyCheck {
  private mismatch: CacheConfigError | undefined;
  /** The keys are those of all other processes, or there are none. */
  private isSettled: boolean;

  constructor(
    private readonly codec: Codec,
    private readonly kind: string,
    /** Where it lies on the server, in words for an operator. */
    private readonly place: string,
  ) {
    this.isSettled = codec.keyChecks.size === 0;
  }

  /** @throws CacheConfigError when the server was found to know another key under one of the names */
  confirm(): void {
    if (this.mismatch !== undefined) throw this.mismatch;
  }

  /** The same codec, which seals only as long as its keys are those of all other processes. */
  guarded(): Codec {
    const { codec } = this;
    // Without keys nothing can be wrong with them.
    if (codec.keyChecks.size === 0) return codec;
    return {
      keyChecks: codec.keyChecks,
      open: (bytes, id) => codec.open(bytes, id),
      peek: (prefix, id) => codec.peek(prefix, id),
      // To a process with the wrong key everything looks forged: until that is settled, nothing may be thrown away.
      isRuined: (bytes) => this.isSettled && codec.isRuined?.(bytes) === true,
      seal: (entry, id) => {
        if (this.mismatch !== undefined) throw new RefusedError('sealing', this.kind, { cause: this.mismatch });
        return codec.seal(entry, id);
      },
    };
  }

  /**
   * Asks the server; without an answer nothing is known, and the next connection asks again.
   * @throws CacheConfigError when it knows another key under one of the names
   */
  protected async asked(ask: AskForKeys): Promise<void> {
    const { keyChecks } = this.codec;
    if (keyChecks.size === 0) return;
    const others = await ask(keyChecks).catch(() => undefined);
    if (others === undefined) return;
    this.mismatch = others.length === 0 ? undefined : mismatchOf(others, this.place);
    this.isSettled = this.mismatch === undefined;
    this.confirm();
  }
}

function mismatchOf(ids: readonly string[], place: string): CacheConfigError {
  return new CacheConfigError(
    'codec.encryption.keys',
    `the secret of ${ids.map((id) => `"${id}"`).join(', ')} is not the one with which this cache was begun. Nothing was ` +
      'changed on the server. Give this process the right secret, or give a new secret a new id (and keep the old one ' +
      `behind it). If the first process had the wrong one, delete ${place} on the server.`,
  );
}
