/** What goes wrong in a history. */
import { pause } from '../../support/time.js';

export interface Trouble {
  /** What it is chosen by, and called in stories. */
  readonly name: string;
  /** So much longer than without it a read may miss what was invalidated, as the guide says. */
  readonly boundMs?: number;
  /** Does something bad, and undoes it. */
  readonly strike: (random: () => number) => Promise<unknown>;
}

/** Troubles that come one after the other. Several rows of them come at once. */
export interface Row {
  /** The process that it is behind; -1: the servers, and with them all. */
  readonly process: number;
  readonly troubles: readonly Trouble[];
}

/** The end is looked for that often. */
const TURN_MS = 100;

/**
 * One trouble after the other, with calm in between, until told to end.
 * @param tell hears what begins and what is over
 * @returns how many there were, by name
 */
export async function disturb(
  { troubles }: Row,
  calmMs: number,
  random: () => number,
  isOver: () => boolean,
  tell: (what: string) => void,
): Promise<Readonly<Record<string, number>>> {
  const struck: Record<string, number> = {};
  while (!isOver()) {
    const untilMs = performance.now() + random() * 2 * calmMs;
    while (performance.now() < untilMs && !isOver()) {
      await pause(Math.max(1, Math.min(TURN_MS, untilMs - performance.now())));
    }
    const trouble = troubles[Math.floor(random() * troubles.length)];
    if (trouble === undefined || isOver()) continue;
    tell(`${trouble.name} begins`);
    await trouble.strike(random);
    tell(`${trouble.name} is over`);
    struck[trouble.name] = (struck[trouble.name] ?? 0) + 1;
  }
  return struck;
}
