import { setTimeout as sleep } from 'node:timers/promises';
import { ForbiddenException, Inject, Injectable, Optional } from '@nestjs/common';
import { CACHE_CONTEXT, type CacheContext } from 'nestjs-scoped-cache';
import { COMPANIES, CompaniesInMemory, type Companies, type Company } from './companies.js';

const READ_MS = 400;
const WRITE_MS = 20;
const RATES: Readonly<Record<string, number>> = { EUR: 1, USD: 1.08, GBP: 0.86 };

/**
 * Stands for a database or a service that takes its time. It serves the company in whose scope it is asked, and takes
 * that scope from where the cache has it: what is stored for a company was read as that company.
 */
@Injectable()
export class SlowSource {
  /** Questions so far. The demo counts them: a hit asks nothing. */
  questions = 0;

  constructor(
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    @Optional() @Inject(COMPANIES) private readonly companies: Companies = new CompaniesInMemory(),
  ) {}

  /** The answer is as of the moment of the question, and arrives later. */
  async ask<T>(question: (company: Company) => T): Promise<T> {
    this.questions++;
    const company = await this.companies.read(this.company());
    if (company === undefined) throw noSuchCompany();
    const answer = structuredClone(question(company));
    await sleep(READ_MS);
    return answer;
  }

  async change<T>(change: (company: Company) => T): Promise<T> {
    await sleep(WRITE_MS);
    return this.companies.change(this.company(), (company) => {
      if (company === undefined) throw noSuchCompany();
      return structuredClone(change(company));
    });
  }

  /** Belongs to nobody, and is the same for everybody. */
  async rate(currency: string): Promise<number | undefined> {
    this.questions++;
    await sleep(READ_MS);
    return Object.hasOwn(RATES, currency) ? RATES[currency] : undefined;
  }

  private company(): string {
    return this.context.scope().tenant ?? '';
  }
}

function noSuchCompany(): ForbiddenException {
  return new ForbiddenException('No such company');
}
