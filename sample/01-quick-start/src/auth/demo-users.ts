/** What a verified token says about its bearer. */
export interface Claims {
  /** Who: unique within the company. */
  readonly sub: string;
  readonly name: string;
  /** For which company. */
  readonly org: string;
}

/** Stands for the verification of a real token (JWT, session): nobody can claim what is not in this table. */
const DEMO_TOKENS: ReadonlyMap<string, Claims> = new Map([
  ['acme-alice', { sub: 'alice', name: 'Alice', org: 'acme' }],
  ['acme-bob', { sub: 'bob', name: 'Bob', org: 'acme' }],
  ['globex-gina', { sub: 'gina', name: 'Gina', org: 'globex' }],
]);

export function verify(token: string): Claims | undefined {
  return DEMO_TOKENS.get(token);
}
