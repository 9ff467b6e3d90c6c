import { describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { Copier } from '../../../../lib/core/values/copier.js';
import { UnserializableError } from '../../../../lib/index.js';

class Cat {
  name = 'tom';
}

const Model = mongoose.model('Lion', new mongoose.Schema({ name: String }));

function complaint(value: unknown): string {
  try {
    new Copier().admit(value, 'clone');
  } catch (error) {
    expect(error).toBeInstanceOf(UnserializableError);
    return (error as Error).message;
  }
  return 'none';
}

describe('an instance that cannot be stored is named with its class, its place, and what to write', () => {
  it.each<[string, unknown, string]>([
    [
      'an instance in a list',
      { cats: [new Cat()] },
      'value.cats[0] is an instance of Cat, a class that is not registered. Map it to a plain object, or register the class: codec: { types: [Cat] }.',
    ],
    [
      'a document of mongoose',
      { lion: new Model({ name: 'secret' }) },
      'value.lion is a document of mongoose (model Lion), which cannot be stored. End the query with .lean(), or return toObject() of the document.',
    ],
    [
      'an id of a lean document',
      [{ _id: new mongoose.Types.ObjectId() }],
      'value[0]._id is an instance of ObjectId, a class that is not registered. Map it to a plain object, or register the class: codec: { types: [{ type: ObjectId, toJSON: String, fromJSON: (text: string) => new ObjectId(text) }] }.',
    ],
    [
      'a promise',
      { owner: Promise.resolve('secret') },
      'value.owner is no plain data (Promise), or has properties of its own. Return plain data.',
    ],
    [
      'a date with a property of its own',
      Object.assign(new Date(), { zone: 'secret' }),
      'value is no plain data (Date), or has properties of its own. Return plain data.',
    ],
    [
      'an instance of a class without a name',
      new (class {})(),
      'value is no plain data (without a name), or has properties of its own. Return plain data.',
    ],
  ])('%s', (_, value, message) => {
    expect(complaint(value)).toBe(message);
  });

  it('a name that does not look like code is not told', () => {
    const named = Object.defineProperty(class {}, 'name', { value: 'cat of acme@example.org' });
    expect(complaint(new named())).toBe(
      'value is no plain data (without a name), or has properties of its own. Return plain data.',
    );
  });

  it('a name that would have to be asked of code is not asked', () => {
    const odd = class {
      static get name(): string {
        throw new Error('asked');
      }
    };
    expect(complaint(new odd())).toContain('(without a name)');
  });

  it('a document of mongoose is no data, registered or not', () => {
    const copier = new Copier([Model]);
    expect(() => copier.admit(new Model({ name: 'secret' }), 'clone')).toThrow(
      'value is a document of mongoose (model Lion), which cannot be stored. End the query with .lean()',
    );
  });
});
