import { Injectable, NotFoundException } from '@nestjs/common';
import { Cacheable } from 'nestjs-scoped-cache';
import { SlowSource } from '../source/slow-source.js';
import type { Report } from './report.js';

@Injectable()
export class ReportsService {
  constructor(private readonly source: SlowSource) {}

  /**
   * Fresh for five seconds. For a minute after that the old report answers at once while a new one is made in the
   * background. That is for getting older only: a report that `bookHours` has invalidated is not served again.
   */
  @Cacheable({ ttl: '5s', staleWhileRevalidate: '1m', tags: (projectId: string) => [`project:${projectId}`] })
  monthly(projectId: string, month: string): Promise<Report> {
    return this.source.ask(({ projects, bookings }) => {
      const project = projects.find(({ id }) => id === projectId);
      if (project === undefined) throw new NotFoundException(`There is no project ${projectId}`);
      const booked = bookings.filter((booking) => booking.projectId === projectId && booking.month === month);
      const hours = booked.reduce((sum, booking) => sum + booking.hours, 0);
      return { project: project.name, month, hours, madeAt: new Date().toISOString() };
    });
  }
}
