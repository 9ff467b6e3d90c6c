/** Histories outside of the tests, for as long as they are told: see CONTRIBUTING.md. */
import { appendFileSync } from 'node:fs';
import type { Duration } from '../../../lib/core/duration.js';
import { GROUNDS, type GroundName } from './grounds.js';
import { play, type Played } from './play.js';

const { env } = process;
const number = (name: string, usual: number): number => Number(env[name] ?? usual);
const words = (name: string, usual: readonly string[]): readonly string[] => env[name]?.split(',') ?? usual;

/** What a network does; the rest happens where it is asked for. */
const USUAL_FAULTS = ['cut', 'frozen', 'late'];
const STORIES = 2;

const options = {
  faults: words('HISTORY_FAULTS', USUAL_FAULTS),
  readers: number('HISTORY_READERS', 64),
  readsEach: number('HISTORY_READS_EACH', 100),
  calmMs: number('HISTORY_CALM', 1_000),
  forMs: number('HISTORY_ROUND', 15) * 1_000,
  processes: number('HISTORY_PROCESSES', 6),
  children: number('HISTORY_CHILDREN', 0),
  busyMs: number('HISTORY_BUSY', 1_300),
  redis: { timeout: (env['HISTORY_TIMEOUT'] ?? '250ms') as Duration },
};
const grounds = words('HISTORY_GROUNDS', ['standalone']).map((name) => {
  const ground = GROUNDS.find((each) => each === name);
  if (ground === undefined) throw new Error(`HISTORY_GROUNDS: ${name} is none of ${GROUNDS.join(', ')}`);
  return ground;
});

/** Where something is wrong, its stories follow. */
function tell({ stale, failures, counts, ...rest }: Played): void {
  const line = JSON.stringify({ at: new Date().toISOString(), ...rest, ...counts });
  const stories = stale.slice(0, STORIES).map((one) => JSON.stringify(one, undefined, 1));
  for (const said of [line, ...stories, ...failures]) console.log(said);
  const { HISTORY_LOG: file } = env;
  if (file === undefined) return;
  appendFileSync(file, `${line}\n`);
  for (const story of stories) appendFileSync(`${file}.stale`, `${line}\n${story}\n`);
}

async function run(ground: GroundName, seed: number): Promise<boolean> {
  const played = await play({ ...options, ground, seed });
  tell(played);
  const { stale, foreign, failed, stuck } = played.counts;
  return stale + foreign + failed + stuck === 0;
}

// Servers go with the process that started them, when it ends in order.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
// Stacks of what fails while a network does are the dearest thing in it, and no one looks at them.
Error.stackTraceLimit = 0;
const untilMs = performance.now() + number('HISTORY_SECONDS', 60) * 1_000;
for (let seed = number('HISTORY_SEED', 1); performance.now() < untilMs; seed++) {
  for (const ground of grounds) if (!(await run(ground, seed))) process.exitCode = 1;
}
