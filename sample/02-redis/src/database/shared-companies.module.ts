import { Global, Module } from '@nestjs/common';
import { COMPANIES } from '../../../01-quick-start/src/source/companies.js';
import { SharedCompanies } from './shared-companies.js';

/** Global, so that the source of sample 01 finds it without knowing of it. */
@Global()
@Module({ providers: [{ provide: COMPANIES, useClass: SharedCompanies }], exports: [COMPANIES] })
export class SharedCompaniesModule {}
