/** The hand memo of somebody who has had a stampede: calls for one key share one promise while it is loading. */
import { open as openMemo } from './hand-memo.mjs';
import { currentTenant } from './request.mjs';

export function open(options) {
  const memo = openMemo(options);
  return {
    ...memo,
    memoize(load, use) {
      const find = memo.memoize(load, use);
      const flights = new Map();
      return (arg) => {
        const id = `${currentTenant()}:${use.key(arg)}`;
        const known = flights.get(id);
        if (known !== undefined) return known;
        const flight = find(arg).finally(() => flights.delete(id));
        flights.set(id, flight);
        return flight;
      };
    },
  };
}
