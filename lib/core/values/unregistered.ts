import { isBuiltinKind, isNative } from './plain.js';

/** What is wrong with an object that cannot be stored, and what to write instead. */
export interface Complaint {
  readonly problem: string;
  readonly remedy: string;
}

/** Values of BSON that are made of the text they give. */
const TEXTUAL = /^(ObjectId|Decimal128|UUID)$/;

/**
 * The complaint about what has the state of its ORM on it: a copy would be no entity, whatever is registered. Told by its
 * looks, since none of these libraries is imported.
 */
export function ofAnOrm(value: object): Complaint | undefined {
  if ('$__' in value && 'toObject' in value) {
    return {
      problem: `is a document of mongoose${nameOf(value, 'modelName', ' (model ')}, which cannot be stored`,
      remedy: 'End the query with .lean(), or return toObject() of the document',
    };
  }
  if ('__helper' in value && '__meta' in value) {
    return {
      problem: `is an entity of MikroORM${nameOf(value, 'name', ' (')}, which cannot be stored`,
      remedy: 'Return wrap(entity).toPOJO() or serialize(entity), or map it to a plain object',
    };
  }
  return undefined;
}

/** The complaint about an instance of a class that is not registered. */
export function unregistered(value: object): Complaint {
  const orm = ofAnOrm(value);
  if (orm !== undefined) return orm;
  const prototype = Object.getPrototypeOf(value) as object;
  const name = nameIn(classOf(prototype), 'name');
  if (isBuiltinKind(prototype)) return plainly('is a built-in with properties of its own, which cannot be stored');
  if (name === undefined) return plainly('is an instance of a class without a name that can be told');
  if (isNative(prototype, name)) return plainly(`is a ${name}, which cannot be stored`);
  const registration =
    '_bsontype' in value && TEXTUAL.test(name)
      ? `{ type: ${name}, toJSON: String, fromJSON: (text: string) => new ${name}(text) }`
      : name;
  return {
    problem: `is an instance of ${name}, a class that is not registered`,
    remedy: `Map it to a plain object, or register the class: codec: { types: [${registration}] }`,
  };
}

function plainly(problem: string): Complaint {
  return { problem, remedy: 'Return plain data' };
}

function nameOf(value: object, property: 'name' | 'modelName', before: string): string {
  const name = nameIn(classOf(Object.getPrototypeOf(value) as object), property);
  return name === undefined ? '' : `${before}${name})`;
}

function classOf(prototype: object): unknown {
  return Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
}

/** Read without running code of the class. Names of classes and models are code, and told where they look like it. */
function nameIn(type: unknown, property: 'name' | 'modelName'): string | undefined {
  const name: unknown = typeof type === 'function' ? Object.getOwnPropertyDescriptor(type, property)?.value : undefined;
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : undefined;
}
