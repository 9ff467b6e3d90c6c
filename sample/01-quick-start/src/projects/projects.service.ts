import { Injectable, NotFoundException } from '@nestjs/common';
import { Cacheable, CacheEvict, CachePut } from 'nestjs-scoped-cache';
import type { Booking, Company, Project } from '../source/companies.js';
import { SlowSource } from '../source/slow-source.js';

/**
 * No method mentions the tenant: the cache adds it to every key, and takes every invalidation to mean the entries of
 * the company that is asking.
 */
@Injectable()
export class ProjectsService {
  constructor(private readonly source: SlowSource) {}

  /** One entry per company. The tag lets other methods say "the list has changed" without knowing its key. */
  @Cacheable({ ttl: '5m', tags: ['projects'] })
  list(): Promise<Project[]> {
    return this.source.ask(({ projects }) => projects.filter(({ status }) => status === 'active'));
  }

  /** A namespace and a key said openly, because `rename` writes the same entry. */
  @Cacheable({ namespace: 'project', key: (id: string) => id, ttl: '5m', tags: (id: string) => [`project:${id}`] })
  findOne(id: string): Promise<Project> {
    return this.source.ask((company) => findIn(company, id));
  }

  /** Stores what it returns as the new value of `findOne`, and drops the lists. */
  @CacheEvict({ tags: ['projects'] })
  @CachePut({ namespace: 'project', key: (id: string) => id, ttl: '5m', tags: (id: string) => [`project:${id}`] })
  rename(id: string, name: string): Promise<Project> {
    return this.source.change((company) => Object.assign(findIn(company, id), { name }));
  }

  /** Drops the entry of `findOne` for the same id, checked by the compiler, and the lists. */
  @CacheEvict({ method: 'findOne', args: (id: string) => [id], tags: ['projects'] })
  archive(id: string): Promise<Project> {
    return this.source.change((company) => Object.assign(findIn(company, id), { status: 'archived' as const }));
  }

  /** Whatever was made from this project goes, its reports included, wherever they are cached. */
  @CacheEvict({ tags: (id: string) => [`project:${id}`] })
  async bookHours(id: string, booking: Omit<Booking, 'projectId'>): Promise<void> {
    await this.source.change((company) => {
      company.bookings.push({ projectId: findIn(company, id).id, ...booking });
    });
  }
}

/** The error reaches the caller as it is, and is not stored: the next call looks again. */
function findIn({ projects }: Company, id: string): Project {
  const project = projects.find((candidate) => candidate.id === id);
  if (project === undefined) throw new NotFoundException(`There is no project ${id}`);
  return project;
}
