import { Body, Controller, Get, Param, Patch, Post } from '@nestjs/common';
import { CurrentUser } from '../auth/current-user.decorator.js';
import type { Claims } from '../auth/demo-users.js';
import { ParsePipe } from '../parse.pipe.js';
import type { Project } from '../source/companies.js';
import { parseBookHours, type BookHoursDto } from './book-hours.dto.js';
import { ProjectsService } from './projects.service.js';
import { parseRenameProject, type RenameProjectDto } from './rename-project.dto.js';

@Controller('projects')
export class ProjectsController {
  constructor(private readonly projects: ProjectsService) {}

  @Get()
  list(): Promise<Project[]> {
    return this.projects.list();
  }

  @Get(':id')
  findOne(@Param('id') id: string): Promise<Project> {
    return this.projects.findOne(id);
  }

  @Patch(':id')
  rename(
    @Param('id') id: string,
    @Body(new ParsePipe(parseRenameProject)) { name }: RenameProjectDto,
  ): Promise<Project> {
    return this.projects.rename(id, name);
  }

  @Post(':id/archive')
  archive(@Param('id') id: string): Promise<Project> {
    return this.projects.archive(id);
  }

  @Post(':id/hours/:month')
  bookHours(
    @Param('id') id: string,
    @Param('month') month: string,
    @CurrentUser() user: Claims,
    @Body(new ParsePipe(parseBookHours)) { hours }: BookHoursDto,
  ): Promise<void> {
    return this.projects.bookHours(id, { month, person: user.sub, hours });
  }
}
