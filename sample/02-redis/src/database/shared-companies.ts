import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Companies, Company } from '../../../01-quick-start/src/source/companies.js';
import type { Reply, Request } from './messages.js';

type Question = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** The companies as all processes see them: every read and every change asks the database. */
@Injectable()
export class SharedCompanies implements Companies, OnModuleDestroy {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private asked = 0;

  constructor() {
    process.on('message', this.onReply);
  }

  async read(name: string): Promise<Company | undefined> {
    return (await this.ask({ kind: 'read', name, isQuestion: true })).company;
  }

  /** Reads, changes, and begins again when another process was quicker. */
  async change<T>(name: string, change: (company: Company | undefined) => T): Promise<T> {
    for (;;) {
      const { company, version = 0 } = await this.ask({ kind: 'read', name, isQuestion: false });
      const result = change(company);
      if (company === undefined) return result;
      const { isDone } = await this.ask({ kind: 'commit', name, version, company });
      if (isDone === true) return result;
    }
  }

  onModuleDestroy(): void {
    process.off('message', this.onReply);
  }

  private ask(question: Question): Promise<Reply> {
    const id = ++this.asked;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      process.send?.({ ...question, id });
    });
  }

  private readonly onReply = (reply: unknown): void => {
    const { id } = reply as Reply;
    this.waiting.get(id)?.(reply as Reply);
    this.waiting.delete(id);
  };
}
