/**
 * Everything mixed: levels by policy, values of every kind and size, small memories and quotas, all verbs, by processes that
 * publish to each other in different ways. A process that made a change reads nothing older; others, nothing that was over before
 * they last checked.
 */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { localBus } from '../../lib/bus/local.bus.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { NotACounterError } from '../../lib/core/errors.js';
import { seededRandom } from '../../lib/testing/seeded-random.js';
import { tieredFactory, type TieredMachineOptions } from '../support/bus/tiered-machine.js';
import { Rig, type Options } from '../support/machine/rig.js';
import { pause, randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const STEPS = soaking(600, 250);
const LONG_TIMEOUTS = { timeout: '10s', invalidationTimeout: '20s' } as const;
/** How long each serves a copy without a check, and what it has room for. */
const PROCESSES = [
  [150, undefined],
  [0, undefined],
  [300, { maxEntryBytes: 1_000, maxEntries: 8 }],
  [150, { quota: { maxEntries: 3, onExceeded: 'reject' } }],
] as const;
const LEVELS = [undefined, 'l1', 'l2'] as const;
const ISOLATIONS = ['clone', 'freeze'] as const;

interface Place extends Options {
  readonly name: string;
  readonly tags: readonly string[];
}

const PLACES: readonly Place[] = [{}, { tenant: 'beta' }, { user: 'ann' }, { width: 'global' as const }].flatMap((of) =>
  ['tom', 'kit'].map((name, at) => ({ ...of, name, tags: [at % 2 === 0 ? 'red' : 'blue'] })),
);

/** What stood in a place, and until when. */
interface Span {
  readonly text: string;
  endedAtMs: number;
  endedBy: Rig<Clock> | undefined;
}

class Scene {
  readonly wrong: string[] = [];
  private readonly spans = new Map(PLACES.map((place) => [place, [span('undefined')]]));
  private readonly random: () => number;
  private stored = 0;

  constructor(
    private readonly rigs: readonly Rig<Clock>[],
    seed: number,
  ) {
    this.random = seededRandom(seed);
  }

  async step(): Promise<void> {
    const rig = this.pick(this.rigs);
    const place = this.pick(PLACES);
    const how = { ...place, level: this.pick(LEVELS), isolate: this.pick(ISOLATIONS) };
    // Others read while something changes.
    const reading = this.random() < 0.3 ? this.read(this.pick(this.rigs), place, how) : undefined;
    await this.pick(this.acts)(rig, place, how);
    (await reading)?.();
    // The process that made a change reads it back.
    if (this.random() < 0.5) (await this.read(rig, place, place))();
  }

  /** One of each; what is done often stands there often. */
  private readonly acts: readonly ((rig: Rig<Clock>, place: Place, how: Options) => Promise<void>)[] = [
    ...Array.from({ length: 6 }, () => async (rig: Rig<Clock>, place: Place, how: Options) => {
      (await this.read(rig, place, how))();
    }),
    async (rig, place, how) => this.readMany(rig, [place, this.pick(PLACES), this.pick(PLACES)], how),
    async (rig, place, how) => this.load(rig, place, how),
    async (rig, place, how) => this.storing(rig, place, (value) => rig.set(place.name, value, how)),
    async (rig, place, how) => this.storing(rig, place, (value) => rig.put(place.name, async () => value, how)),
    async (rig, place, how) => {
      const other = this.pick(PLACES);
      const { writes } = rig.machine.engine;
      const value = this.value();
      const key = rig.key(other.name, other);
      await this.storing(rig, place, async (first) => {
        const last = other === place ? first : value;
        await writes.setMany([
          [rig.key(place.name, place), first, rig.policy(how)],
          [key, last, rig.policy()],
        ]);
        this.becomes(rig, other, last);
      });
    },
    async (rig, place, how) => {
      await rig.machine.engine.writes.expire(rig.key(place.name, place), 60_000, rig.policy(how));
    },
    async (rig, place, how) => {
      const key = rig.key(place.name, place);
      const total = await rig.machine.engine.writes.increment(key, 1, rig.policy(how)).catch((error: unknown) => {
        if (!(error instanceof NotACounterError)) throw error;
        return undefined;
      });
      if (total !== undefined) this.becomes(rig, place, total);
    },
    async (rig, place) => {
      await rig.evict(place.name, place);
      this.becomes(rig, place, undefined);
    },
    async (rig, place) => {
      await rig.invalidateTag(place.tags[0] as string, place);
      for (const other of within(place)) if (other.tags[0] === place.tags[0]) this.becomes(rig, other, undefined);
    },
    async (rig, place) => {
      await (this.random() < 0.5 ? rig.clear(place) : rig.removeMatching(`${place.name}*`, place));
      // Of what else goes, nothing is expected.
      this.becomes(rig, place, undefined);
    },
    () => pause(this.random() * 40),
  ];

  /** What is wrong with the answer is known once everything around it has settled. */
  private async read(rig: Rig<Clock>, place: Place, how: Options): Promise<() => void> {
    const beganAtMs = performance.now();
    const value = await rig.get(place.name, how);
    return () => this.judge(rig, place, value, beganAtMs);
  }

  private async readMany(rig: Rig<Clock>, places: readonly Place[], how: Options): Promise<void> {
    const beganAtMs = performance.now();
    const calls = places.map((place, at) => ({
      key: rig.key(place.name, place),
      policy: rig.policy(at === 0 ? how : {}),
      frame: undefined,
    }));
    const values = await rig.machine.engine.getMany(calls);
    places.forEach((place, at) => this.judge(rig, place, values[at], beganAtMs));
  }

  private async load(rig: Rig<Clock>, place: Place, how: Options): Promise<void> {
    const beganAtMs = performance.now();
    const loaded: unknown[] = [];
    const load = async (): Promise<unknown> => loaded[loaded.push(this.value()) - 1];
    const value = await rig.load(place.name, load, how);
    if (loaded.length > 0) this.becomes(rig, place, loaded[0]);
    this.judge(rig, place, value, beganAtMs);
  }

  private async storing(rig: Rig<Clock>, place: Place, store: (value: unknown) => Promise<unknown>): Promise<void> {
    const value = this.value();
    await store(value);
    this.becomes(rig, place, value);
  }

  private becomes(rig: Rig<Clock>, place: Place, value: unknown): void {
    const spans = this.spans.get(place) as Span[];
    const last = spans.at(-1) as Span;
    last.endedAtMs = performance.now();
    last.endedBy = rig;
    spans.push(span(textOf(value)));
  }

  /** Nothing is never wrong: a cache may forget. */
  private judge(rig: Rig<Clock>, place: Place, value: unknown, beganAtMs: number): void {
    const text = textOf(value);
    const [believedMs] = PROCESSES[this.rigs.indexOf(rig)] as (typeof PROCESSES)[number];
    const mayBe = ({ text: was, endedAtMs, endedBy }: Span): boolean =>
      was === text && endedAtMs >= beganAtMs - (endedBy === rig ? 0 : believedMs);
    if (text === 'undefined' || this.spans.get(place)?.some(mayBe) === true) return;
    const lastly = this.spans.get(place)?.slice(-3);
    this.wrong.push(`${place.name} is ${text.slice(0, 20)}: ${JSON.stringify(lastly?.map(({ text: was }) => was))}`);
  }

  private value(): unknown {
    const number = ++this.stored;
    return this.pick([null, false, number, `text ${number}`, { number }, [number, 'x'.repeat(3_000)]]);
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
}

function span(text: string): Span {
  return { text, endedAtMs: Infinity, endedBy: undefined };
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}

/** What a place's width covers: a tenant its users too. */
function within(place: Place): readonly Place[] {
  const isTenants = place.user === undefined && place.width === undefined;
  return PLACES.filter(
    ({ tenant, user, width }) => tenant === place.tenant && width === place.width && (isTenants || user === place.user),
  );
}

describeWithRedis('two levels, with everything mixed', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  const local = localBus();
  const ways: [string, Pick<TieredMachineOptions, 'bus' | 'pubSub'>][] = [
    ['by what the server announces', { bus: { heartbeat: '1s' } }],
    ['by sharded channels', { bus: { heartbeat: '1s' }, pubSub: 'sharded' }],
    ['by a bus of their own', { bus: { via: local } }],
    ['not at all', { bus: false }],
  ];
  it.each(ways)('publish to each other %s: no process returns what was over', async (_, bus) => {
    const prefix = randomPrefix();
    const rigs = PROCESSES.map(
      ([maxUnvalidated, memory = {}]) =>
        new Rig<Clock>({
          clock: systemClock,
          random: Math.random,
          backend: tieredFactory({ url: server.url, prefix, maxUnvalidated, memory, ...LONG_TIMEOUTS, ...bus }),
        }),
    );
    await Promise.all(rigs.map((rig) => rig.backend.open?.()));
    const scene = new Scene(rigs, 1);
    for (let step = 0; step < STEPS && scene.wrong.length === 0; step++) await scene.step();
    expect(scene.wrong).toEqual([]);
    const kept = await Promise.all(rigs.map(async (rig) => (await rig.backend.info()).details?.['l1Entries']));
    expect(kept.some((entries) => Number(entries) > 0)).toBe(true);
  });
});
