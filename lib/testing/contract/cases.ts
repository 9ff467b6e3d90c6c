import type { RegisteredType } from '../../core/values/type-registration.js';
import { Bystanders, type Reach } from './bystanders.js';
import type { ContractCase } from './contract.js';
import { Stage } from './stage.js';

export interface CaseOptions {
  /** How far the case reaches; bystanders beyond are checked afterwards. @default 'user' */
  readonly reach?: Reach;
  readonly types?: readonly RegisteredType[];
}

/**
 * A case with everything around it: a store with two clients, bystanders, and the check that they were left alone.
 */
export function contractCase(
  name: string,
  play: (stage: Stage) => Promise<void>,
  { reach = 'user', types = [] }: CaseOptions = {},
): ContractCase {
  return {
    name,
    async run(harness) {
      const store = await harness.open({ clients: 2, types, isAlone: reach === 'all' });
      try {
        const stage = new Stage(store, harness.tickMs, Math.random().toString(36).slice(2, 8), types);
        const bystanders = await Bystanders.gather(stage, reach);
        await play(stage);
        await bystanders.assertUntouched();
      } finally {
        await store.close();
      }
    },
  };
}

/** The same for everything that reaches a whole tenant. */
export function tenantCase(name: string, play: (stage: Stage) => Promise<void>): ContractCase {
  return contractCase(name, play, { reach: 'tenant' });
}
