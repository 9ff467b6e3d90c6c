import { Inject, Injectable } from '@nestjs/common';
import { CACHE_CONTEXT, Cacheable, CacheScope, type CacheContext } from 'nestjs-scoped-cache';
import { ProjectsService } from '../projects/projects.service.js';
import { SlowSource } from '../source/slow-source.js';

export interface Dashboard {
  readonly owner: string;
  readonly tasks: readonly string[];
  readonly projects: readonly string[];
}

@Injectable()
export class DashboardService {
  constructor(
    private readonly source: SlowSource,
    private readonly projects: ProjectsService,
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
  ) {}

  /**
   * One entry per user. It reads the list of projects, which is cached too: the dashboard takes over the list's tags,
   * so whatever drops the list drops the dashboards that show it.
   */
  @CacheScope('user')
  @Cacheable('1m')
  async mine(): Promise<Dashboard> {
    const owner = this.context.scope().user ?? '';
    const [tasks, projects] = await Promise.all([
      this.source.ask((company) => company.tasks.filter((task) => task.owner === owner)),
      this.projects.list(),
    ]);
    return { owner, tasks: tasks.map(({ title }) => title), projects: projects.map(({ name }) => name) };
  }
}
