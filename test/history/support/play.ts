import type { Options } from '../../support/machine/rig.js';
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { enough } from '../../support/time.js';
import { History } from './history.js';
import { VersionedSource } from './source.js';
import { covers, INVALIDATIONS, type InvalidationKind, type Place, type Subject } from './subject.js';

export interface Play {
  /** One for each process. */
  readonly subjects: readonly Subject[];
  readonly seed: number;
  /** Callers at work at once, spread over the processes. */
  readonly callers: number;
  readonly durationMs: number;
  /** It goes on until so many have been written down: {@link enough}. */
  readonly atLeast?: { readonly reads: number; readonly invalidations: number };
  /** And until this is so: whatever else has to have happened meanwhile. */
  readonly isEnough?: () => boolean;
  /** Whether a failure is one that the play expects: then the call is left out of the history. */
  readonly isExpected?: (error: unknown) => boolean;
  /** Where it is written down; unless given, moments are counted. */
  readonly history?: History;
}

export interface Played {
  readonly history: History;
  readonly loads: number;
  readonly failures: number;
}

/** Two tenants, two users and what they share, two namespaces, two tags: everything that an invalidation may confuse. */
export const PLACES: readonly Place[] = ['acme', 'beta'].flatMap((tenant) =>
  [undefined, 'ann', 'bob'].flatMap((user) =>
    ['cats', 'dogs'].flatMap((namespace) =>
      ['tom', 'kit'].map((name) => ({
        id: [tenant, user, namespace, name].join('/'),
        name,
        tenant,
        user,
        namespace,
        tags: [name === 'tom' ? 'red' : 'blue', 'all'],
      })),
    ),
  ),
);

const POLICIES: readonly Options[] = [
  { ttl: '1h' },
  { ttl: 5, staleWhileRevalidate: 20, staleIfError: 50 },
  { ttl: 20, staleIfError: 50, softTimeout: 2 },
  { ttl: 20, earlyRefresh: 5, jitter: 0.3 },
  { ttl: 20, answerEarly: true },
];

class LoaderFailure extends Error {}

class Caller {
  private readonly random: () => number;
  failures = 0;

  constructor(
    private readonly play: Play,
    private readonly subject: Subject,
    private readonly source: VersionedSource,
    private readonly history: History,
    private readonly onLoad: () => void,
    at: number,
  ) {
    this.random = seededRandom(play.seed * 1_000 + at);
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const act = this.random();
      const place = this.pick(PLACES);
      try {
        if (act < 0.8) await this.read(place);
        else if (act < 0.85) await this.readMany();
        else if (act < 0.88) await this.set(place);
        else if (act < 0.91) await this.put(place);
        else await this.invalidate(place);
      } catch (error) {
        if (!(error instanceof LoaderFailure) && this.play.isExpected?.(error) !== true) throw error;
        this.failures++;
      }
      if (this.random() < 0.3) await this.pause();
    }
  }

  private async read(place: Place): Promise<void> {
    const beganAt = this.history.now();
    const isPlain = this.random() < 0.1;
    const version = isPlain
      ? await this.subject.get(place)
      : await this.subject.getOrSet(place, () => this.load(place), this.pick(POLICIES));
    if (version === undefined) return;
    this.history.reads.push({ key: place.id, beganAt, version, how: isPlain ? 'get' : 'getOrSet' });
  }

  private async readMany(): Promise<void> {
    const places = [this.pick(PLACES), this.pick(PLACES), this.pick(PLACES)];
    const beganAt = this.history.now();
    const versions = await this.subject.getMany(places);
    for (const [index, version] of versions.entries()) {
      if (version !== undefined) {
        this.history.reads.push({ key: places[index]!.id, beganAt, version, how: 'getMany' });
      }
    }
  }

  private async set(place: Place): Promise<void> {
    await this.source.exclusively(place.id, async () => {
      const version = this.source.commit(place.id);
      await this.subject.set(place, version);
      this.note(place.id, version, 'set');
    });
  }

  private async put(place: Place): Promise<void> {
    await this.source.exclusively(place.id, async () => {
      const version = await this.subject.put(place, async () => {
        if (this.random() < 0.5) await this.pause();
        return this.source.commit(place.id);
      });
      this.note(place.id, version, 'put');
    });
  }

  private async invalidate(place: Place): Promise<void> {
    const draw = this.random();
    // What crosses tenants holds up all of them until it is confirmed.
    const kind: InvalidationKind =
      draw < 0.02 ? 'everything' : draw < 0.05 ? 'namespace of all tenants' : this.pick(INVALIDATIONS.slice(0, -2));
    await this.source.exclusively(place.id, async () => {
      this.source.commit(place.id);
      const covered = PLACES.filter((other) => covers(kind, place, other)).map(({ id }) => ({
        id,
        version: this.source.version(id),
      }));
      await this.subject.invalidate(kind, place);
      for (const { id, version } of covered) this.note(id, version, kind);
    });
  }

  private note(key: string, version: number, how: string): void {
    this.history.invalidations.push({ key, settledAt: this.history.now(), version, how });
  }

  /** The source answers with what it knows at some moment of the load. */
  private async load(place: Place): Promise<number> {
    this.onLoad();
    if (this.random() < 0.5) await this.pause();
    const version = this.source.version(place.id);
    if (this.random() < 0.7) await this.pause();
    if (this.random() < 0.03) throw new LoaderFailure();
    return version;
  }

  private async pause(): Promise<void> {
    if (this.random() < 0.6) {
      for (let turn = this.random() * 4; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    } else await new Promise((resolve) => setTimeout(resolve, this.random() * 4));
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }
}

/** Lets callers loose on the subjects, and writes down what they see. */
export async function play(of: Play): Promise<Played> {
  const history = of.history ?? new History();
  const source = new VersionedSource();
  let loads = 0;
  const callers = Array.from({ length: of.callers }, (_, at) => {
    const subject = of.subjects[at % of.subjects.length]!;
    return new Caller(of, subject, source, history, () => loads++, at);
  });
  const { reads = 0, invalidations = 0 } = of.atLeast ?? {};
  const { isEnough = () => true } = of;
  const isOver = enough(
    of.durationMs,
    () => history.reads.length > reads && history.invalidations.length > invalidations && isEnough(),
  );
  await Promise.all(callers.map((caller) => caller.run(isOver)));
  return { history, loads, failures: callers.reduce((sum, { failures }) => sum + failures, 0) };
}
