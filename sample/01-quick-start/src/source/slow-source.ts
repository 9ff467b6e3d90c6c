import { setTimeout as sleep } from 'node:timers/promises';
import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import { CACHE_CONTEXT, type CacheContext } from 'nestjs-scoped-cache';
import { createCompanies, type Company } from './companies.js';

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
  private readonly companies = createCompanies();

  constructor(@Inject(CACHE_CONTEXT) private readonly context: CacheContext) {}

  /** The answer is as of the moment of the question, and arrives later. */
  async ask<T>(question: (company: Company) => T): Promise<T> {
    this.questions++;
    const answer = structuredClone(question(this.company()));
    await sleep(READ_MS);
    return answer;
  }

  async change<T>(change: (company: Company) => T): Promise<T> {
    await sleep(WRITE_MS);
    return structuredClone(change(this.company()));
  }

  /** Belongs to nobody, and is the same for everybody. */
  async rate(currency: string): Promise<number | undefined> {
    this.questions++;
    await sleep(READ_MS);
    return Object.hasOwn(RATES, currency) ? RATES[currency] : undefined;
  }

  private company(): Company {
    const company = this.companies.get(this.context.scope().tenant ?? '');
    if (company === undefined) throw new ForbiddenException('No such company');
    return company;
  }
}
