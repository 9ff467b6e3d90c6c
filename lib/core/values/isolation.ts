/** How the value of an entry is kept apart from the values callers hold. */
export type Isolation = 'clone' | 'freeze' | 'none';
