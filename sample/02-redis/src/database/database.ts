import { createCompanies, type Company } from '../../../01-quick-start/src/source/companies.js';
import type { Reply, Request } from './messages.js';

interface Row {
  /** Counts changes. */
  readonly version: number;
  readonly company: Company;
}

/** One database for all processes, and the only one who knows how often it was asked. */
export class Database {
  /** Reads that were to answer somebody's question. */
  questions = 0;
  private readonly rows = new Map<string, Row>(
    Array.from(createCompanies(), ([name, company]) => [name, { version: 0, company }]),
  );

  answer(request: Request): Reply {
    const { id, name } = request;
    const row = this.rows.get(name);
    if (request.kind === 'read') {
      if (request.isQuestion) this.questions++;
      return { id, ...row };
    }
    const isDone = row?.version === request.version;
    if (isDone) this.rows.set(name, { version: request.version + 1, company: request.company });
    return { id, isDone };
  }
}
