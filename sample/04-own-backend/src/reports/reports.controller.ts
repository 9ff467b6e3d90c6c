import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ReportsService, type Report } from './reports.service.js';

@Controller('reports')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  @Get(':id')
  find(@Param('id') id: string): Promise<Report> {
    return this.reports.find(id);
  }

  @Delete()
  @HttpCode(204)
  drop(): Promise<void> {
    return this.reports.drop();
  }
}
