import type { Cluster } from 'ioredis';
import { addressIn, placeOfNode, placesOf } from '../remote/address.js';
import type { RedisOptions } from './options.js';

const PORT = 6_379;

/** Where the server is, as the options say it. Undefined where they do not, as a client of the application's own may. */
export function addressOf({ url, client, cluster, sentinels, name, db, ...options }: RedisOptions): string | undefined {
  if (client !== undefined)
    return (client as Cluster).isCluster ? undefined : addressOf(client.options as RedisOptions);
  if (url !== undefined) return addressIn(url);
  if (cluster !== undefined) return `cluster of ${placesOf(cluster, PORT)}`;
  if (sentinels != null) return `${name ?? 'master'} of sentinels ${placesOf(sentinels, 26_379)}`;
  const place = placeOfNode({ host: options.host, port: options.port }, PORT);
  return place && `${place}${db === undefined || db === 0 ? '' : `/${db}`}`;
}
