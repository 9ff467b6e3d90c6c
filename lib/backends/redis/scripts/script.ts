/**
 * Scripts, each in a file of its own, and what they all rest on. Every script touches only keys it declares, all of one
 * hash tag, so it runs on a single server, in a cluster and on Dragonfly. Entries are opaque here: a script compares
 * their mark (their first 16 bytes), never looks inside.
 *
 * Per shard, inside the hash tag:
 *   e:<id>  entry     bytes sealed by the codec (or a counter, see COUNT)
 *   l:<id>  lease     token|generation|stamp, with its own expiry
 *   m       meta      hash: i generation, c clock, q sequence of invalidations, f minimum stamp, b last bulk invalidation,
 *                     p last pattern invalidation, r labels invalidated last (see fragments/list.ts), x index begun,
 *                     e until when it is kept; and one field per label: its stamp
 *   s       state     format|generation|minimum stamp|labels invalidated last, as the meta hash says (see state-string.ts)
 *   k       index     sorted set of ids, all of score 0, so ordered by text; '!' marks that it is complete
 *   x       expiries  sorted set of the same ids by the time they expire
 *   t       labels    sorted set of the labels in the meta hash by their stamps: the oldest go when there are too many
 *   b       channel   where changes of this shard are told, in sharded mode
 *
 * Per cache: keys (see CHECK_KEYS) and apps (see LEAVE_MARK).
 *
 * Clock c = max(c + 1, the server's microseconds) at every invalidation. Stamps are c as it stood when a lease was
 * granted. A meta hash that was lost comes back with another generation: then nothing older is valid. It lives at
 * least as long as any entry or lease that was born under it, and a day longer at most; so do the index and the expiries.
 *
 * Every key has an end, entries without a ttl after a year (ENDLESS_MS), except "keys": one for each cache.
 *
 * Out of memory: a script that has begun to write may go on writing. So those that remove begin with a removal, and
 * those that store begin with the store, which is then refused before anything else has changed.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

/**
 * A script of pieces, the last of which is its body. Its first argument comes back beside its answer: an answer that
 * does not bring the argument of its own call belongs to another call, and the connection is out of step.
 */
export function script(...pieces: readonly string[]): Script {
  const body = pieces.at(-1) ?? '';
  const before = pieces.slice(0, -1).join('');
  const source = `local echo = table.remove(ARGV, 1)\n${before}\nlocal function main()\n${body}\nend\nreturn {echo, main()}\n`;
  return Object.freeze({ source, sha: createHash('sha1').update(source).digest('hex') });
}
