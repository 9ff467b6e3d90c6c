import type { Isolation } from '../../core/values/isolation.js';
import type { NestedNames } from '../../core/values/nested-names.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Label } from '../../core/keys/label.js';
import type { Stamp } from '../../core/stamp.js';
import { metadataBytes, flatten } from './cost.js';
import { SharedMetadata, type Group } from './record.js';

/** Distinct metadata that a group offers for sharing. */
const MIN_SHARED = 256;
/** Or one for so many records, if that is more: what it costs is saved by the records that share it. */
const RECORDS_PER_SHARED = 8;

/** What records must have in common to share metadata. */
export interface MetadataFields {
  readonly labels: readonly Label[];
  readonly stamp: Stamp;
  readonly graceMs: number;
  readonly isolation: Isolation;
  /** What copies of the value have to look at. */
  readonly nested: NestedNames;
}

/** The metadata for a new record of the group: that of other records, if it fits. */
export function metadataFor(group: Group, of: MetadataFields): SharedMetadata {
  const metadata = matching(group, of);
  // A name that is missing here would have readers share what is under it.
  if (metadata.nested !== of.nested) metadata.nested = metadata.nested.and(of.nested);
  return metadata;
}

function matching(group: Group, { labels, stamp, graceMs, isolation, nested }: MetadataFields): SharedMetadata {
  // New records are stored at the newest stamp; metadata of earlier stamps would only accumulate.
  if (stamp > group.sharedStamp) {
    group.sharedMetadata = undefined;
    group.lastMetadata = undefined;
    group.sharedStamp = stamp;
  }
  const isShareable = stamp === group.sharedStamp;
  if (isShareable && group.lastMetadata?.isOf(labels, graceMs, isolation) === true) return group.lastMetadata;
  const print = fingerprint(...labels);
  const known = isShareable ? group.sharedMetadata?.get(print) : undefined;
  if (known?.isOf(labels, graceMs, isolation) === true) return (group.lastMetadata = known);
  const { generation } = group.within;
  const areOfSpace = labels === group.labels;
  flatten(labels);
  const costBytes = metadataBytes(labels, areOfSpace);
  const metadata = new SharedMetadata(group, labels, generation, stamp, graceMs, isolation, nested, costBytes);
  if (isShareable) offer(group, print, metadata);
  return metadata;
}

/** Forgets metadata that no record refers to any more. */
export function dropMetadata(metadata: SharedMetadata): void {
  const { group } = metadata;
  if (group.lastMetadata === metadata) group.lastMetadata = undefined;
  if (group.sharedMetadata === undefined) return;
  const print = fingerprint(...metadata.labels);
  if (group.sharedMetadata.get(print) === metadata) group.sharedMetadata.delete(print);
}

function offer(group: Group, print: number, metadata: SharedMetadata): void {
  const { lastMetadata: last } = group;
  group.lastMetadata = metadata;
  // Most groups have one at a time, which needs no map.
  if (group.sharedMetadata === undefined && last === undefined) return;
  group.sharedMetadata ??= new Map(last === undefined ? [] : [[fingerprint(...last.labels), last]]);
  const shareable = Math.max(MIN_SHARED, group.records.size / RECORDS_PER_SHARED);
  if (group.sharedMetadata.size >= shareable) group.sharedMetadata.clear();
  group.sharedMetadata.set(print, metadata);
}
