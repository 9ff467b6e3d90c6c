/** The dialect of knex for SQLite, which its types leave out. */
declare module 'knex/lib/dialects/sqlite3/index.js' {
  import type { Knex } from 'knex';
  export default class Client_SQLite3 {
    constructor(config: Knex.Config);
    _driver(): object;
    acquireRawConnection(): Promise<object>;
    destroyRawConnection(connection: object): Promise<void>;
  }
}
