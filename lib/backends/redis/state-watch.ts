import type { Clock } from '../../core/clock.js';
import type { RedisPool } from './connection/pool.js';
import { STATE } from './scripts/state.js';
import type { Shard } from './shards.js';
import { stateText, type StateString } from './state-string.js';

/** How often the meta hash of a shard is looked at while only its string is read. Also keeps a server from displacing it by age. */
const LOOK_MS = 10_000;
/** How soon a string that is missing is written again: a server that is out of memory cannot keep it. */
const WRITE_MS = 1_000;
const MAX_SHARDS = 10_000;
/** What STATE and INVALIDATE say of a hash and a string that differed. */
export const DIFFERED = 3;
export const PUT_BACK =
  'what the server keeps of a tenant was not written together (a part of it was put back by hand?): everything of that tenant was invalidated';

interface Look {
  atMs: number;
  isUnderWay: boolean;
}

/** Keeps the state strings of shards beside their meta hashes, and finds those that differ. No caller waits for it. */
export class StateWatch {
  private readonly looks = new Map<Shard, Look>();

  constructor(
    private readonly pool: RedisPool,
    private readonly clock: Clock,
    private readonly warn: (problem: string) => void,
  ) {}

  /** @param said by the string, which was read in the place of the hash; undefined: there is a hash, and no string */
  look(shard: Shard, said: StateString | undefined): void {
    const everyMs = said === undefined ? WRITE_MS : LOOK_MS;
    const nowMs = this.clock.monotonicMs();
    let look = this.looks.get(shard);
    if (look === undefined) {
      if (this.looks.size >= MAX_SHARDS) this.looks.clear();
      look = { atMs: -Infinity, isUnderWay: false };
      this.looks.set(shard, look);
    }
    if (look.isUnderWay || nowMs - look.atMs < everyMs) return;
    void this.run(shard, look, nowMs, said);
  }

  private async run(shard: Shard, look: Look, nowMs: number, said: StateString | undefined): Promise<void> {
    look.isUnderWay = true;
    look.atMs = nowMs;
    try {
      // By reading, as long as nothing is wrong: scripts wait while a server has its writers wait, and reads behind them.
      if (said !== undefined && said.text === (await this.textOf(shard))) return;
      if (Number(await this.pool.run(STATE, [shard.meta, shard.state], [])) === DIFFERED) this.warn(PUT_BACK);
    } catch {
      // The next read looks again.
    } finally {
      look.isUnderWay = false;
    }
  }

  private async textOf(shard: Shard): Promise<string> {
    return stateText(await this.pool.pick().fields(shard.meta, ['i', 'f', 'b', 'r']));
  }
}
