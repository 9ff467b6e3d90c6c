import type { Copier } from '../../core/values/copier.js';
import type { Isolation } from '../../core/values/isolation.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Label } from '../../core/keys/label.js';
import type { Stamp } from '../../core/stamp.js';
import { birthBytes, flatten } from './cost.js';
import { Birth, type Group } from './record.js';

/** Distinct births that a group offers for sharing. */
const MIN_SHARED_BIRTHS = 256;
/** Or one for so many records, if that is more: the memory it takes is saved by the records that share. */
const RECORDS_PER_BIRTH = 8;

/** What a record is born with. */
export interface BirthOf {
  readonly labels: readonly Label[];
  readonly stamp: Stamp;
  readonly graceMs: number;
  readonly isolation: Isolation;
}

/** The birth for a new record of the group: one that others have, if there is one. */
export function birthIn(group: Group, of: BirthOf, copier: Copier): Birth {
  const { labels, stamp, graceMs, isolation } = of;
  // Who is born from now on is born at the newest stamp; what earlier ones shared would only pile up.
  if (stamp > group.bornAt) {
    group.births = undefined;
    group.lastBirth = undefined;
    group.bornAt = stamp;
  }
  const isShareable = stamp === group.bornAt;
  if (isShareable && group.lastBirth?.isOf(labels, graceMs, isolation) === true) return group.lastBirth;
  const print = fingerprint(...labels);
  const known = isShareable ? group.births?.get(print) : undefined;
  if (known?.isOf(labels, graceMs, isolation) === true) return (group.lastBirth = known);
  const { incarnation } = group.within;
  const areOfSpace = labels === group.labels;
  flatten(labels);
  const costBytes = birthBytes(labels, areOfSpace);
  const birth = new Birth(group, labels, incarnation, stamp, graceMs, isolation, copier, costBytes);
  if (isShareable) offer(group, print, birth);
  return birth;
}

/** No record has it any more. */
export function dropBirth(birth: Birth): void {
  const { group } = birth;
  if (group.lastBirth === birth) group.lastBirth = undefined;
  if (group.births === undefined) return;
  const print = fingerprint(...birth.labels);
  if (group.births.get(print) === birth) group.births.delete(print);
}

function offer(group: Group, print: number, birth: Birth): void {
  const { lastBirth } = group;
  group.lastBirth = birth;
  // Most groups have one birth at a time, which needs no map.
  if (group.births === undefined && lastBirth === undefined) return;
  group.births ??= new Map(lastBirth === undefined ? [] : [[fingerprint(...lastBirth.labels), lastBirth]]);
  const shareable = Math.max(MIN_SHARED_BIRTHS, group.records.size / RECORDS_PER_BIRTH);
  if (group.births.size >= shareable) group.births.clear();
  group.births.set(print, birth);
}
