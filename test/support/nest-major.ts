/** The Nest that the specs run on: 12, or 11 in `npm run test:nest11`. */
export const NEST_MAJOR: 11 | 12 = (globalThis as { nestMajor?: 11 }).nestMajor ?? 12;
