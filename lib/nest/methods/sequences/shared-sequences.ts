import { Observable, type Subscriber } from 'rxjs';
import { isPending, type Awaitable } from '../../../core/async/awaitable.js';
import type { Inside } from '../../../core/async/begun.js';
import type { LoaderContext } from '../../../engine/loader.js';
import type { CacheParts } from '../../cache/scoped-cache.parts.js';
import { Sequence, Unfinished, type Listener, type SequenceBounds, type Surrender } from './sequence.js';

export function sequenceBounds({ foundation }: CacheParts): SequenceBounds & { readonly maxWaitMs: number } {
  const { clock, copier, blueprint } = foundation;
  const { maxValueBytes, maxLoadMs, maxWaitMs } = blueprint.limits;
  return { clock, copier, maxBytes: maxValueBytes, maxMs: maxLoadMs, maxWaitMs };
}

/** What is said of a method when nothing is stored. */
export const SURRENDERS: Readonly<Record<Surrender, string>> = Object.freeze({
  left: 'returned an Observable that had not ended when its last subscriber left, so nothing was stored; only what ends can be cached',
  large: 'returned an Observable that grew beyond limits.maxValueBytes before its end, so nothing was stored',
  late: 'returned an Observable that had not ended after limits.maxLoad, so nothing was stored; only what ends can be cached',
});

/** So many entries of a method are remembered for having taken too long. */
const MAX_LATE = 1_000;

/** Loads the whole sequence: what the engine runs when nothing is stored. */
export type Lead = (context: Pick<LoaderContext, 'previous'>) => Promise<unknown[]>;

/** One subscription to a cached method. */
export interface Occasion {
  readonly id: string;
  source(): Observable<unknown>;
  /** All of it, from what is stored or by a load, this one or another caller's. */
  begin(lead: Lead): Awaitable<unknown>;
  /** A run of its own, without the cache. */
  alone(): Observable<unknown>;
  /** Keeps the surroundings of the subscriber. */
  hold(): Inside;
}

/** A subscriber, in its own surroundings. */
export class Seat implements Listener {
  /** What it has led, or is leading. */
  sequence: Sequence | undefined;
  /** Values have come to it while its sequence was under way. */
  hasHeard = false;
  isLeft = false;

  constructor(
    readonly subscriber: Subscriber<unknown>,
    readonly inside: Inside,
  ) {}

  next(value: unknown): void {
    this.hasHeard = true;
    this.inside(() => this.subscriber.next(value));
  }

  error(error: unknown): void {
    this.inside(() => this.subscriber.error(error));
  }

  complete(): void {
    this.inside(() => this.subscriber.complete());
  }

  /** The whole sequence, as far as it has not been heard. */
  play(values: readonly unknown[]): void {
    if (!this.hasHeard) {
      this.inside(() => {
        for (const value of values) if (!this.subscriber.closed) this.subscriber.next(value);
      });
    }
    this.complete();
  }
}

/** All that wait for one entry, and what runs for them. When the last one leaves, so do the runs. */
class Room {
  readonly seats = new Set<Seat>();
  readonly sequences = new Set<Sequence>();
  readonly impatient = new Map<Seat, () => void>();

  get isStreaming(): boolean {
    return [...this.sequences].some((sequence) => sequence.isStreaming);
  }
}

/**
 * The sequences of one method in one cache that are under way. The one that leads a load hears values as they come;
 * others wait for all of it, though not for ever: an Observable may have no end.
 */
export class SharedSequences {
  private readonly rooms = new Map<string, Room>();
  /** Ids of entries whose last sequence took too long: no caller waits for the next one. The oldest are forgotten. */
  private readonly late = new Set<string>();

  constructor(
    private readonly bounds: SequenceBounds & { readonly maxWaitMs: number },
    private readonly tell: (why: Surrender) => void,
  ) {}

  answer(occasion: Occasion): Observable<unknown> {
    return new Observable((subscriber) => {
      const room = this.rooms.get(occasion.id) ?? new Room();
      this.rooms.set(occasion.id, room);
      const seat = new Seat(subscriber, occasion.hold());
      room.seats.add(seat);
      subscriber.add(() => this.leave(occasion.id, room, seat));
      const alone = (): void => {
        this.leave(occasion.id, room, seat);
        subscriber.add(seat.inside(() => occasion.alone().subscribe(subscriber)));
      };
      let answer: Awaitable<unknown>;
      try {
        answer = occasion.begin((context) => this.lead(occasion, room, seat, context.previous === undefined));
      } catch (error) {
        seat.error(error);
        return;
      }
      if (isPending(answer)) this.waitInVain(occasion.id, room, seat, alone);
      Promise.resolve(answer).then(
        (values) => {
          if (seat.isLeft) return;
          // Answered with an old value: what runs is a reload, which goes on in the background.
          if (!seat.hasHeard && seat.sequence !== undefined) room.sequences.delete(seat.sequence);
          seat.play(values as unknown[]);
        },
        (error: unknown) => {
          if (seat.isLeft) return;
          if (!(error instanceof Unfinished)) seat.error(error);
          // What it has heard goes on by itself.
          else if (!seat.hasHeard) alone();
        },
      );
    });
  }

  private lead({ id, source }: Occasion, room: Room, seat: Seat, hasNoPrevious: boolean): Promise<unknown[]> {
    // Where an old value may stand in for a failure or for slowness, nothing is heard of the new one before its end.
    const listener = seat.isLeft || !hasNoPrevious || seat.sequence !== undefined ? undefined : seat;
    const sequence = new Sequence(this.bounds, listener, {
      streams: () => this.hurry(room),
      surrendered: (why) => this.surrendered(id, why, sequence),
    });
    // A reload in the background has no subscriber that could leave.
    if (!seat.isLeft) {
      seat.sequence = sequence;
      room.sequences.add(sequence);
    }
    const end = (): void => void room.sequences.delete(sequence);
    sequence.whole.then(() => {
      end();
      this.late.delete(id);
    }, end);
    sequence.start(source);
    return sequence.whole;
  }

  private surrendered(id: string, why: Surrender, sequence: Sequence): void {
    if (why === 'late') this.noteLate(id);
    // A sequence that no subscriber had heard of may have ended at any moment.
    if (why !== 'left' || sequence.isStreaming) this.tell(why);
  }

  private noteLate(id: string): void {
    this.late.delete(id);
    this.late.add(id);
    if (this.late.size <= MAX_LATE) return;
    for (const oldest of this.late) {
      this.late.delete(oldest);
      return;
    }
  }

  /** Waits as long as for a load of another process, and then not for what is being told to another subscriber. */
  private waitInVain(id: string, room: Room, seat: Seat, alone: () => void): void {
    const give = (): void => {
      if (seat.isLeft || seat.sequence !== undefined) return;
      if (room.isStreaming) alone();
      else room.impatient.set(seat, alone);
    };
    if (this.late.has(id)) give();
    else seat.subscriber.add(this.bounds.clock.after(this.bounds.maxWaitMs, give));
  }

  private hurry(room: Room): void {
    const all = [...room.impatient];
    room.impatient.clear();
    for (const [seat, alone] of all) if (!seat.isLeft && seat.sequence === undefined) alone();
  }

  private leave(id: string, room: Room, seat: Seat): void {
    if (seat.isLeft) return;
    seat.isLeft = true;
    room.seats.delete(seat);
    room.impatient.delete(seat);
    seat.sequence?.mute();
    if (room.seats.size > 0) return;
    for (const sequence of room.sequences) sequence.stop();
    if (this.rooms.get(id) === room) this.rooms.delete(id);
  }
}
