/**
 * Whether a backend answers, told to people: one line when it goes, with the reason, and one when it is back, however
 * many calls fail in between and however often it is tried. What fails while others are answered is trouble, and no
 * outage: each kind of it is told once in a while. Of several connections to a server that dies the first may be lost
 * before the last answer of another is read, so trouble waits until it is clear that it was not how an outage began.
 */
import type { Clock } from '../../core/clock.js';
import type { Emit } from '../../core/observer.js';
import { Warnings } from '../shared/warnings.js';

/** Calls fail sooner than a connection finds out why: so long a line waits for what else is heard. */
const HEAR_OUT_MS = 500;
/** Another reason than the one told is told as well, but not the steps in which a server comes back. */
const SILENCE_MS = 30_000;
const UNKNOWN = 'not connected';

export class Outage {
  private readonly warnings: Warnings;
  /** What failed last. */
  private trouble: string | undefined;
  /** What failed while others were answered, and is not told yet. */
  private readonly asides = new Set<string>();
  private cancelAsides: (() => void) | undefined;
  /** Why it is away, as it was told; undefined: it is there, as far as people know. */
  private told: string | undefined;
  private toldAtMs = -Infinity;
  private cancel: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly kind: string,
    private readonly parts: { readonly clock: Clock; readonly emit: Emit },
  ) {
    this.warnings = new Warnings(kind, parts);
  }

  /** Something was told, or is about to be. */
  get isNoted(): boolean {
    return this.trouble !== undefined || this.told !== undefined;
  }

  /** A call or a connection failed. The end of an outage, or its beginning, will show which it was. */
  failed(why: string): void {
    if (this.told === undefined) this.trouble = why;
  }

  /** Calls are failing, so that no more are made. */
  suspect(): void {
    if (this.told !== undefined || this.isClosed) return;
    this.dropAsides();
    this.cancel ??= this.parts.clock.after(HEAR_OUT_MS, () => this.begin(this.trouble ?? UNKNOWN));
  }

  /** Nobody is there. */
  begin(why: string): void {
    this.cancel?.();
    this.cancel = undefined;
    this.dropAsides();
    const nowMs = this.parts.clock.monotonicMs();
    const isNews = this.told === undefined || (this.told !== why && nowMs - this.toldAtMs >= SILENCE_MS);
    if (!isNews) return;
    this.told = why;
    this.toldAtMs = nowMs;
    this.say(`does not answer (${why}): calls go on without the cache until it does.`);
  }

  /** It answers. */
  end(): void {
    const { trouble } = this;
    if (this.cancel !== undefined) this.begin(trouble ?? UNKNOWN);
    this.trouble = undefined;
    if (this.told !== undefined) this.say('answers again.');
    else if (trouble !== undefined) this.setAside(trouble);
    this.told = undefined;
  }

  close(): void {
    this.isClosed = true;
    this.dropAsides();
    this.cancel?.();
  }

  private setAside(trouble: string): void {
    this.asides.add(trouble);
    this.cancelAsides ??= this.parts.clock.after(HEAR_OUT_MS, () => {
      for (const aside of this.asides) this.warnings.tell(aside);
      this.dropAsides();
    });
  }

  private dropAsides(): void {
    this.cancelAsides?.();
    this.cancelAsides = undefined;
    this.asides.clear();
  }

  private say(what: string): void {
    if (!this.isClosed) this.parts.emit.event({ type: 'warning', message: `The ${this.kind} backend ${what}` });
  }
}
