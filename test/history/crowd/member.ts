import type { Awaitable } from '../../../lib/core/async/awaitable.js';
import type { Ring } from './ring.js';
import type { Kind } from './world.js';

/** One process of a history with its cache: a machine in this process, or an application in one of its own. */
export interface Member {
  open(): Promise<void>;
  /** The value of a key, stored or loaded. */
  read(key: number): Awaitable<unknown>;
  /** Invalidates what an invalidation of this kind meant for that key covers. */
  invalidate(kind: Kind, key: number): Promise<unknown>;
  /** Resolves when it answers calls: not while it is started anew. */
  ready?(): Promise<void> | undefined;
  close(): Promise<void>;
}

/** What a member is made with. */
export interface MemberParts {
  /** Its number among all. */
  readonly process: number;
  readonly ring: Ring;
  readonly random: () => number;
  /** The source. */
  readonly load: (key: number) => Promise<number>;
}

export type MakeMember = (parts: MemberParts) => Member;
