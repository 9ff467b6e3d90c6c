/** What is used of sql.js, an SQLite that runs in this process. */
declare module 'sql.js' {
  export interface Statement {
    bind(values?: readonly unknown[]): boolean;
    step(): boolean;
    getAsObject(): Record<string, unknown>;
    free(): boolean;
  }
  export class Database {
    run(sql: string, values?: readonly unknown[]): this;
    prepare(sql: string, values?: readonly unknown[]): Statement;
    close(): void;
  }
  export interface SqlJs {
    Database: typeof Database;
  }
  export default function initSqlJs(): Promise<SqlJs>;
}
