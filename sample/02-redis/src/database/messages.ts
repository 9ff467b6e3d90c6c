import type { Company } from '../../../01-quick-start/src/source/companies.js';

/** What a process asks the database, which lives in the process that started it. */
export type Request = { readonly id: number; readonly name: string } & (
  | { readonly kind: 'read'; readonly isQuestion: boolean }
  | { readonly kind: 'commit'; readonly version: number; readonly company: Company }
);

/** A company as it stood; of a commit, whether it was still the one that had been read. */
export interface Reply {
  readonly id: number;
  readonly version?: number;
  readonly company?: Company;
  readonly isDone?: boolean;
}
