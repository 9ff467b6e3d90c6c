import { afterAll } from '@jest/globals';
import { failNothing } from './fail-command.js';
import { MongoProcess, withDb, type MongoProcessOptions } from './mongo-process.js';

/**
 * Servers for the cases of one suite. To start one, and to answer its first commands, costs more than most cases: one that
 * a case leaves as sound as it was is emptied and given to the next.
 */
export class SpareServers {
  private readonly spare: MongoProcess[] = [];

  /** To be called where suites are declared: what is left ends with the suite. */
  constructor(private readonly options: MongoProcessOptions = {}) {
    afterAll(async () => {
      await Promise.all(this.spare.splice(0).map((server) => server.stop()));
    });
  }

  async take(): Promise<MongoProcess> {
    return this.spare.pop() ?? MongoProcess.start(this.options);
  }

  /** Once every client of the case is closed. One that was killed, halted or begun again is ended. */
  async giveBack(server: MongoProcess): Promise<void> {
    const isSound = !server.wasDisturbed && (await emptied(server));
    if (isSound) this.spare.push(server);
    else await server.stop();
  }
}

async function emptied({ url }: MongoProcess): Promise<boolean> {
  try {
    await failNothing(url);
    return await withDb(url, (db) => db.dropDatabase());
  } catch {
    return false;
  }
}
