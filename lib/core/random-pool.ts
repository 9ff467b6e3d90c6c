import { randomFillSync } from 'node:crypto';

/** Bytes of one piece: an IV, or a name. */
export const PIECE_BYTES = 12;
const PIECES = 512;
/** What was drawn so long ago and not given out is drawn anew. */
const LONGEST_KEPT_MS = 1_000;

/**
 * Random bytes, drawn many at a time: twelve cost a call to the system as much as six thousand. None is ever given out twice.
 * A pool belongs to one object in one thread: a process that is forked and a worker have pools of their own. A machine
 * that is frozen and goes on twice would give out twice what it had drawn before: nothing that was drawn is kept for longer
 * than a second by the wall clock, which goes on while a machine is frozen, as the monotonic one of most does not. Two that
 * go on within the second in which they were frozen, or believe that they do, give out the same for the rest of it: freeze
 * no machine that has just sealed a value, or let its clock be set before it goes on.
 */
export class RandomPool {
  private readonly bytes = Buffer.alloc(PIECES * PIECE_BYTES);
  private at: number = this.bytes.length;
  private drawnAtMs = 0;

  constructor(private readonly wall: Pick<DateConstructor, 'now'> = Date) {}

  /** A piece for where it is needed. */
  readonly fill = (target: Buffer, offset: number): void => {
    const at = this.next();
    this.bytes.copy(target, offset, at, at + PIECE_BYTES);
  };

  /**
   * A name that has never been and will not be again, for generations, tokens and echoes: sixteen characters of 96 random bits.
   */
  name(): string {
    const at = this.next();
    return this.bytes.toString('base64url', at, at + PIECE_BYTES);
  }

  private next(): number {
    const nowMs = this.wall.now();
    if (this.at === this.bytes.length || nowMs - this.drawnAtMs > LONGEST_KEPT_MS || nowMs < this.drawnAtMs) {
      randomFillSync(this.bytes);
      this.drawnAtMs = nowMs;
      this.at = 0;
    }
    const { at } = this;
    this.at += PIECE_BYTES;
    return at;
  }
}
