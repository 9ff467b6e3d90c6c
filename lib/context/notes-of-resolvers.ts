/** The notes of the resolvers of this library: what each looks for, where, and what it found instead. */
import { isMissing } from '../core/keys/scope.js';
import { claimAt } from './claims.js';
import { headerNames, headerOf, userOf } from './request-facts.js';
import { missedBy, nameOfResolver, namesIn, type Part, type ResolverNotes } from './resolver-notes.js';

type Paths = Readonly<Record<Part, string | undefined>>;

export function claimNotes(paths: Paths, ids: string | undefined): ResolverNotes {
  const said = [...Object.entries(paths), ['ids', ids] as const].filter(([, value]) => value !== undefined);
  const name = `fromClaims({ ${said.map(([part, value]) => `${part}: '${value}'`).join(', ')} })`;
  return {
    name,
    missed: (request, part) => {
      const path = paths[part];
      if (path === undefined) return `${name} names no claim for the ${part}: add ${part}: '…'`;
      const user = userOf(request);
      const looked = `${name} looked for "${path}" in request.user`;
      if (user === undefined || user === null)
        return `${looked}, which is not set: no guard has run before this call, or it puts the claims elsewhere (then fromRequest)`;
      return `${looked}: ${foundIn(user, path)}`;
    },
  };
}

/** Which names there were where the last part of the path was looked for. */
function foundIn(user: unknown, path: string): string {
  if (claimAt(user, path) !== undefined) return 'it is empty';
  const parts = path.split('.');
  for (let depth = parts.length - 1; depth > 0; depth--) {
    const place = claimAt(user, parts.slice(0, depth).join('.'));
    if (!isMissing(place)) return `in "${parts.slice(0, depth).join('.')}" ${without(parts[depth], place)}`;
  }
  return without(parts[0], user);
}

/** A name that is there, and has no value, must not be told as one that is there. */
function without(name: string | undefined, object: unknown): string {
  const isThere = name !== undefined && typeof object === 'object' && object !== null && name in object;
  return isThere ? `"${name}" is there and undefined` : namesIn(object);
}

export function headerNotes(header: string): ResolverNotes {
  const name = `fromHeader('${header}')`;
  return {
    name,
    missed: (request, part) => {
      if (part === 'user') return `${name} finds no users: fromRequest((request) => ({ tenant, user })) can`;
      const isThere = headerOf(request, header) !== undefined;
      return `${name}: ${isThere ? 'the header is empty, or there twice' : `no such header, ${namesIn(headerNames(request))}`}`;
    },
  };
}

export function subdomainNotes(base: string | undefined, header: string | undefined): ResolverNotes {
  const name = `fromSubdomain({ ${base === undefined ? `host: '${header}'` : `base: '${base}'`} })`;
  return {
    name,
    missed: (_, part) =>
      part === 'user'
        ? `${name} finds no users: fromRequest((request) => ({ tenant, user })) can`
        : `${name}: the host in ${header ?? 'Host'} is not one label ${base === undefined ? 'of three' : `and ${base}`}, or is missing or ignored`,
  };
}

export function notesOfAll(resolvers: readonly object[]): ResolverNotes {
  return {
    name: `firstOf(${resolvers.map(nameOfResolver).join(', ')})`,
    missed: (request, part) => resolvers.map((each) => missedBy(each, { request }, part)).join('; '),
  };
}
