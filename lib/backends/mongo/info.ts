import type { mongo } from 'mongoose';
import type { BackendInfo } from '../../core/backend.js';
import type { Documents } from './documents.js';

/** What the server says of itself and of a collection. */
export async function infoOf(documents: Documents, db: mongo.Db): Promise<BackendInfo> {
  const [stats, build] = await Promise.all([
    db.command({ collStats: documents.collectionName }),
    db.command({ buildInfo: 1 }),
  ]);
  return {
    kind: 'mongo',
    entries: Number(stats['count'] ?? 0),
    usedBytes: Number(stats['size'] ?? 0),
    details: { version: String(build['version']), collection: documents.collectionName },
  };
}
