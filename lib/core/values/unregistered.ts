import { isBuiltinKind, isNative, nameOf, NAMELESS } from './plain.js';

/** What is wrong with an object that cannot be stored, and what to write instead. */
export interface Complaint {
  readonly problem: string;
  readonly remedy: string;
}

/** Values of BSON that are made of the text they give. What else they consist of changes between its releases. */
const TEXTUAL = /^(ObjectId|Decimal128|UUID)$/;

/**
 * The complaint about what has the state of its ORM on it: a copy would be no entity, whatever is registered. Told by its
 * looks, since none of these libraries is imported.
 */
export function ofAnOrm(value: object): Complaint | undefined {
  if ('$__' in value && 'toObject' in value)
    return {
      problem: `is a document of mongoose (model ${nameOf(value, 'modelName')}), which cannot be stored`,
      remedy: 'End the query with .lean(), or return toObject() of the document',
    };
  if ('__helper' in value && '__meta' in value)
    return {
      problem: `is an entity of MikroORM (${nameOf(value)}), which cannot be stored`,
      remedy: 'Return wrap(entity).toPOJO() or serialize(entity), or map it to a plain object',
    };
  return undefined;
}

/** The complaint about an instance of a class that is not registered. */
export function unregistered(value: object): Complaint {
  const orm = ofAnOrm(value);
  if (orm !== undefined) return orm;
  const prototype = Object.getPrototypeOf(value) as object;
  const name = nameOf(value);
  if (name === NAMELESS || isBuiltinKind(prototype) || isNative(prototype, name))
    return { problem: `is no plain data (${name}), or has properties of its own`, remedy: 'Return plain data' };
  const type =
    '_bsontype' in value && TEXTUAL.test(name)
      ? `{ type: ${name}, toJSON: String, fromJSON: (text: string) => new ${name}(text) }`
      : name;
  return {
    problem: `is an instance of ${name}, a class that is not registered`,
    remedy: `Map it to a plain object, or register the class: codec: { types: [${type}] }`,
  };
}
