/** One history: a crowd on its ground, what happens meanwhile, and what came of it. */
import { seededRandom } from '../../../lib/testing/seeded-random.js';
import { Crowd, type Stale } from './crowd.js';
import { groundOf, type GroundName, type GroundOptions } from './grounds.js';
import { disturb, type Row } from './trouble.js';

export interface Play extends GroundOptions {
  readonly ground: GroundName;
  /** Names of what happens. */
  readonly faults: readonly string[];
  readonly seed: number;
  readonly readers: number;
  readonly readsEach: number;
  /** Between two faults of one row, on average. */
  readonly calmMs: number;
  readonly forMs: number;
}

export interface Played {
  readonly ground: GroundName;
  readonly seed: number;
  readonly seconds: number;
  readonly boundMs: number;
  readonly counts: Crowd['counts'] & { readonly stuck: number };
  readonly faults: Readonly<Record<string, number>>;
  readonly stale: readonly Stale[];
  readonly failures: readonly string[];
}

const LOADER_MS = 15;
const LEAST_READS = 100;

export async function play(of: Play): Promise<Played> {
  const ground = await groundOf(of.ground, of);
  const rows = ground.rows
    .map(({ process, troubles }): Row => ({
      process,
      troubles: troubles.filter(({ name }) => of.faults.includes(name)),
    }))
    .filter(({ troubles }) => troubles.length > 0);
  const bounds = rows.flatMap(({ troubles }) => troubles.map(({ boundMs = 0 }) => boundMs));
  const boundMs = Math.max(ground.boundMs, ...bounds);
  const crowd = new Crowd({ ...of, members: ground.members, loaderMs: LOADER_MS, boundMs });
  try {
    await crowd.open();
    const beganAtMs = performance.now();
    const disturbed = rows.map((row, at) =>
      disturb(
        row,
        of.calmMs,
        seededRandom(of.seed * 1_000 + 500 + at),
        () => crowd.isOver,
        (what) => crowd.ring.noteAll('trouble', row.process, what),
      ),
    );
    // What has seen too little proves little.
    await crowd.play(of.forMs, () => crowd.counts.reads > LEAST_READS && crowd.counts.confirmed > 0);
    const seconds = Math.round((performance.now() - beganAtMs) / 1_000);
    const faults: Record<string, number> = {};
    for (const struck of await Promise.all(disturbed))
      for (const [name, times] of Object.entries(struck)) faults[name] = (faults[name] ?? 0) + times;
    await crowd.close();
    const counts = { ...crowd.counts, stuck: ground.stuck() };
    const { stale, failures } = crowd;
    return { ground: of.ground, seed: of.seed, seconds, boundMs, counts, faults, stale, failures: [...failures] };
  } finally {
    await ground.stop();
  }
}
