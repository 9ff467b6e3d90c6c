import { Controller, Get, Param, Post } from '@nestjs/common';
import { CurrentUser } from '../auth/current-user.decorator.js';
import type { Claims } from '../auth/demo-users.js';
import { ExportsService } from './exports.service.js';
import type { Report } from './report.js';
import { ReportsService } from './reports.service.js';

@Controller('reports')
export class ReportsController {
  constructor(
    private readonly reports: ReportsService,
    private readonly exports: ExportsService,
  ) {}

  @Get(':projectId/:month')
  monthly(@Param('projectId') projectId: string, @Param('month') month: string): Promise<Report> {
    return this.reports.monthly(projectId, month);
  }

  @Post('exports')
  export(@CurrentUser() user: Claims): Promise<{ export: string }> {
    return this.exports.start(user.sub);
  }
}
