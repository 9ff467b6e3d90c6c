/**
 * Processes that share a cache, with many readers and a few that change and invalidate, and the verdict on each read: it is
 * stale when it began after an invalidation of its key had been confirmed, and returned a version older than the one that
 * was current when that invalidation was called. Judged when the read is answered, so nothing is kept of those that are fine.
 */
import { isPending } from '../../../lib/core/async/awaitable.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { enough, pause } from '../../support/time.js';
import { isUnknown } from './child.member.js';
import type { MakeMember, Member } from './member.js';
import { Ring } from './ring.js';
import { keyOf, numberOf, valueOf, versionOf } from './value.js';
import { COVERED, SPOTS, World, type Kind } from './world.js';

export interface CrowdOptions {
  /** One for each process. */
  readonly members: readonly MakeMember[];
  readonly seed: number;
  /** Reads under way at once in each process. */
  readonly readers: number;
  /** Reads for each invalidation, about: however fast the machine is, what can go wrong is as dense. */
  readonly readsEach: number;
  readonly loaderMs: number;
  /** So long after an invalidation was confirmed a read may still miss it. */
  readonly boundMs: number;
}

export interface Stale {
  readonly key: string;
  readonly process: number;
  readonly version: number;
  readonly atLeast: number;
  /** How long after the confirmation the read began. */
  readonly afterMs: number;
  readonly tookMs: number;
  readonly story: readonly string[];
}

/** What invalidates looks that often whether it is its turn. */
const REST_MS = 3;
const TURN_MS = 20;
/** Stories are long. */
const MAX_STORIES = 5;

export class Crowd {
  readonly world = new World();
  readonly ring = new Ring(SPOTS.length);
  readonly counts = { reads: 0, waves: 0, loads: 0, confirmed: 0, unknown: 0, stale: 0, foreign: 0, failed: 0 };
  readonly stale: Stale[] = [];
  /** Why reads have failed. */
  readonly failures = new Set<string>();
  readonly processes: readonly Process[];
  isOver = false;

  constructor(readonly options: CrowdOptions) {
    this.processes = options.members.map((make, at) => new Process(this, make, at));
  }

  async open(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.open()));
  }

  /** For so long, and until enough has been seen: {@link enough}. */
  async play(forMs: number, isEnough: () => boolean = () => true): Promise<void> {
    const working = this.processes.map((process) => process.work());
    const isOver = enough(forMs, isEnough);
    while (!isOver()) await pause(TURN_MS);
    this.isOver = true;
    await Promise.all(working);
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.close()));
  }

  /** @param least the oldest version that it may be */
  judge(key: number, process: number, value: unknown, least: number, beganAtMs: number): void {
    const number = numberOf(value);
    const version = versionOf(number);
    this.counts.reads++;
    if (keyOf(number) !== key) this.counts.foreign++;
    else if (version < least) this.tell(key, process, version, least, beganAtMs);
  }

  private tell(key: number, process: number, version: number, atLeast: number, beganAtMs: number): void {
    this.counts.stale++;
    if (this.stale.length >= MAX_STORIES) return;
    const nowMs = performance.now();
    this.ring.note(key, 'answer', process, version, -1, `stale: at least version ${atLeast} was due`);
    const confirmedAtMs = this.world.confirmedAtMs(key, atLeast);
    this.stale.push({
      key: Object.values(SPOTS[key] ?? {}).join('/'),
      process,
      version,
      atLeast,
      afterMs: beganAtMs - confirmedAtMs,
      tookMs: nowMs - beganAtMs,
      story: this.ring.story(key),
    });
  }
}

export class Process {
  readonly member: Member;
  readonly random: () => number;
  private readonly idle: Reader[];
  private readonly all: number;
  private isWaveDue = false;
  private end: (() => void) | undefined;

  constructor(
    readonly crowd: Crowd,
    make: MakeMember,
    readonly number: number,
  ) {
    const { options, ring } = crowd;
    this.random = seededRandom(options.seed * 1_000 + number);
    this.member = make({ process: number, ring, random: this.random, load: (key) => this.load(key) });
    this.all = options.readers;
    this.idle = Array.from({ length: this.all }, () => new Reader(this));
  }

  async open(): Promise<void> {
    await this.member.open();
  }

  async close(): Promise<void> {
    await this.member.close();
  }

  /** Until the crowd is over, and all that was begun has ended. */
  async work(): Promise<void> {
    const reading = new Promise<void>((resolve) => (this.end = resolve));
    this.wave();
    await Promise.all([reading, this.change()]);
  }

  /** A read was answered. Those that come back in one turn begin anew together. */
  done(reader: Reader): void {
    this.idle.push(reader);
    if (this.isWaveDue) return;
    this.isWaveDue = true;
    setImmediate(this.wave);
  }

  private readonly wave = (): void => {
    this.isWaveDue = false;
    if (this.crowd.isOver) {
      if (this.idle.length === this.all) this.end?.();
      return;
    }
    const starting = this.member.ready?.();
    if (starting !== undefined) {
      this.isWaveDue = true;
      void starting.then(this.wave);
      return;
    }
    this.crowd.counts.waves++;
    for (let left = this.idle.length; left > 0; left--) this.idle.pop()?.begin();
  };

  private async change(): Promise<void> {
    const { options, counts, ring, world } = this.crowd;
    while (!this.crowd.isOver) {
      const due = counts.reads + this.random() * 2 * options.readsEach * options.members.length;
      while (counts.reads < due && !this.crowd.isOver) await pause(1 + this.random() * REST_MS);
      await this.member.ready?.();
      const key = Math.floor(this.random() * SPOTS.length);
      const draw = this.random();
      const kind: Kind = draw < 0.5 ? 'delete' : draw < 0.95 ? 'tag' : draw < 0.975 ? 'clear' : 'namespace';
      ring.note(key, 'commit', this.number, world.commit(key));
      const covered = COVERED[kind][key] ?? [];
      const versions = covered.map((each) => world.version(each));
      for (const [at, each] of covered.entries()) ring.note(each, kind, this.number, versions[at]);
      try {
        await this.member.invalidate(kind, key);
        counts.confirmed++;
        for (const [at, each] of covered.entries()) {
          world.confirm(each, versions[at] ?? 0);
          ring.note(each, 'confirmed', this.number, versions[at], -1, kind);
        }
      } catch (error) {
        if (!isUnknown(error)) throw error;
        counts.unknown++;
        for (const each of covered) ring.note(each, 'unknown', this.number, -1, -1, `${kind} ${String(error)}`);
      }
    }
  }

  /** The source answers with what it knows at some moment of the load. */
  private async load(key: number): Promise<number> {
    const { options, counts, ring, world } = this.crowd;
    counts.loads++;
    const tookMs = this.random() * options.loaderMs;
    const before = this.random();
    await pause(tookMs * before);
    const version = world.version(key);
    ring.note(key, 'load', this.number, version);
    await pause(tookMs * (1 - before));
    return valueOf(key, version);
  }
}

/** One read after the other. */
class Reader {
  private key = 0;
  private least = 0;
  private beganAtMs = 0;

  constructor(private readonly process: Process) {}

  begin(): void {
    const { process } = this;
    const { crowd, member } = process;
    this.key = Math.floor(process.random() * SPOTS.length);
    this.beganAtMs = performance.now();
    this.least = crowd.world.leastAt(this.key, this.beganAtMs - crowd.options.boundMs);
    const answer = member.read(this.key);
    if (isPending(answer)) answer.then(this.answered, this.failed);
    else this.answered(answer);
  }

  private readonly answered = (value: unknown): void => {
    const { process } = this;
    process.crowd.judge(this.key, process.number, value, this.least, this.beganAtMs);
    process.done(this);
  };

  private readonly failed = (error: unknown): void => {
    const { process } = this;
    process.crowd.counts.failed++;
    if (process.crowd.failures.size < 20) process.crowd.failures.add(String(error));
    process.done(this);
  };
}
