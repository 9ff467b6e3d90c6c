import { withDb } from './mongo-process.js';

/** What becomes of commands: they fail, wait first, run and are said not to have reached the majority, or are said to have run. */
export interface Failing {
  readonly failCommands: readonly string[];
  readonly errorCode?: number;
  readonly errorCodeName?: string;
  readonly blockTimeMS?: number;
  /** The reply to a command that is not carried out. Only the server in test/servers/mongo knows it. */
  readonly claims?: Readonly<Record<string, number>>;
  readonly writeConcernError?: { readonly code: number; readonly codeName: string; readonly errmsg: string };
}

/** Sets the fail point `failCommand` of a server. A mongod must have been started with enableTestCommands. */
export async function failCommands(url: string, data: Failing, times: number | 'always'): Promise<void> {
  const mode = times === 'always' ? 'alwaysOn' : { times };
  await withDb(url, (db) => db.admin().command({ configureFailPoint: 'failCommand', mode, data }));
}

export async function failNothing(url: string): Promise<void> {
  await withDb(url, (db) => db.admin().command({ configureFailPoint: 'failCommand', mode: 'off' }));
}
