/** Methods and loaders that fail, for what their stacks say about who called. */
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheEvict, CachePut } from '../../../lib/index.js';

export const TTL = { ttl: '1m' } as const;
export const PATIENT = { ...TTL, hardTimeout: '50s', softTimeout: '40s', staleIfError: '1h' } as const;

/** Where a loader fails, one function deep: before its first `await`, right after it, and once something outside has answered. */
export const PLACES = {
  'before its first await': async () => {
    throw new Error('no such row');
  },
  'in the tick after its first await': async () => {
    await undefined;
    throw new Error('no such row');
  },
  'once something has answered': async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    throw new Error('no such row');
  },
} satisfies Record<string, () => Promise<never>>;

export type Place = keyof typeof PLACES;
export const places = Object.keys(PLACES) as Place[];

@Injectable()
export class Rows {
  @Cacheable(TTL)
  async find(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }

  @Cacheable(PATIENT)
  async patient(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }

  @Cacheable({ ...TTL, condition: () => false })
  async unconditional(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }

  @CachePut({ ...TTL, key: (place: Place, id: string) => [place, id] })
  async save(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }

  @CachePut({ ...TTL, key: (place: Place, id: string) => [place, id], condition: () => false })
  async saveNothing(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }

  @CacheEvict({ tags: ['rows'] })
  async remove(place: Place, _id: string): Promise<string> {
    return await PLACES[place]();
  }
}
