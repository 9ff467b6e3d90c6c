/** Things of the driver that are as they are, but for some methods. */
import type { Connection, mongo } from 'mongoose';

/** The same object, but for some of its methods. */
export function standIn<T extends object>(real: T, other: object): T {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(other, name)) return Reflect.get(other, name) as unknown;
      const own = Reflect.get(target, name, target) as unknown;
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

/** A connection to adopt, whose collections do some things in another way. */
export function withCollections(
  client: mongo.MongoClient,
  other: (documents: mongo.Collection) => Partial<mongo.Collection>,
): Connection {
  const real = client.db();
  const db = standIn(real, {
    collection: (name: string, options: mongo.CollectionOptions) => {
      const documents = real.collection(name, options);
      return standIn(documents, other(documents));
    },
  });
  const adopted = standIn(client, { db: () => db });
  return { getClient: () => adopted, db, name: 'test' } as never;
}
