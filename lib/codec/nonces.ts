import { randomFillSync } from 'node:crypto';
import { NONCE_BYTES } from './envelope.js';

const POOL = 512;

/**
 * Random bytes, drawn many at a time: twelve cost a call to the system as much as six thousand. They are
 * IVs too, so none is ever given out twice; a pool belongs to one codec in one thread.
 */
export class Nonces {
  private readonly pool = Buffer.alloc(POOL * NONCE_BYTES);
  private at: number = this.pool.length;

  readonly fill = (target: Buffer, offset: number): void => {
    if (this.at === this.pool.length) {
      randomFillSync(this.pool);
      this.at = 0;
    }
    this.pool.copy(target, offset, this.at, this.at + NONCE_BYTES);
    this.at += NONCE_BYTES;
  };
}
