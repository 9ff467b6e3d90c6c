import type { RedisOptions as ClientOptions } from 'ioredis';
import { MasterConnector } from './master-connector.js';
import { ServerConnector } from './server-connector.js';

type Connector = NonNullable<ClientOptions['Connector']>;

/** Makes the sockets of a client with these options. */
export function connectorFor({ Connector, sentinels }: Pick<ClientOptions, 'Connector' | 'sentinels'>): Connector {
  return Connector ?? ((sentinels == null ? ServerConnector : MasterConnector) as Connector);
}
