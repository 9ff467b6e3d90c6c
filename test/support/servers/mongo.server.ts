/**
 * What can be started as a MongoDB server here: see mongo.find.mjs for where it is looked for. With CI=true a missing
 * server is a failure; otherwise what needs one is skipped and says why.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FoundMongo {
  /** `mongod`, a real one; `java`, a server of another make that speaks the same protocol and keeps nothing. */
  readonly kind: 'mongod' | 'java';
  readonly command: string;
  readonly args: readonly string[];
}

export interface MissingMongo {
  /** What to do about it, in one sentence. */
  readonly missing: string;
}

const FIND = fileURLToPath(new URL('mongo.find.mjs', import.meta.url));

/** Servers are started often, and it stays where it was found. */
let known: FoundMongo | undefined;

/** The first time on a machine this may take a minute. @throws with CI=true, when there is none */
export function findMongo(): FoundMongo | MissingMongo {
  if (known !== undefined) return known;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const said = execFileSync(process.execPath, [FIND], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  const found = JSON.parse(said) as FoundMongo | MissingMongo;
  if ('missing' in found && process.env['CI'] === 'true') throw new Error(found.missing);
  if (!('missing' in found)) known = found;
  return found;
}
