import type { Connection, mongo } from 'mongoose';
import { standIn } from './stand-in.js';

/** A connection through which the server seems to be that much ahead: its clock is told wrongly, everything else is true. */
export function skewed(connection: Connection, byMs: number): Connection {
  const client = connection.getClient();
  const shifting = (db: mongo.Db): mongo.Db =>
    standIn(db, {
      command: async (command: mongo.Document) => {
        const said = await db.command(command);
        const { localTime } = said;
        return localTime instanceof Date ? { ...said, localTime: new Date(localTime.getTime() + byMs) } : said;
      },
      admin: () => ({ command: (command: mongo.Document) => shifting(client.db('admin')).command(command) }),
    });
  const shifted = standIn(client, { db: (name?: string) => shifting(client.db(name)) });
  return standIn(connection, { getClient: () => shifted });
}
