export interface Project {
  readonly id: string;
  name: string;
  status: 'active' | 'archived';
}

export interface Booking {
  readonly projectId: string;
  readonly month: string;
  readonly person: string;
  readonly hours: number;
}

export interface Task {
  readonly owner: string;
  readonly title: string;
}

export interface Company {
  readonly name: string;
  readonly projects: Project[];
  readonly bookings: Booking[];
  readonly tasks: Task[];
}

/** Where the companies' data are. Another place can be provided under this token; sample 02 does. */
export const COMPANIES = Symbol('companies');

export interface Companies {
  read(name: string): Promise<Company | undefined>;
  /** What `change` does to the company is kept, all of it or nothing. */
  change<T>(name: string, change: (company: Company | undefined) => T): Promise<T>;
}

/** In this process, and gone with it. */
export class CompaniesInMemory implements Companies {
  private readonly companies = createCompanies();

  async read(name: string): Promise<Company | undefined> {
    return this.companies.get(name);
  }

  async change<T>(name: string, change: (company: Company | undefined) => T): Promise<T> {
    return change(this.companies.get(name));
  }
}

/** Both companies have a project 1 and a project 2: the ids alone do not tell them apart. */
export function createCompanies(): Map<string, Company> {
  return new Map([
    [
      'acme',
      {
        name: 'Acme',
        projects: [
          { id: '1', name: 'Rocket skates', status: 'active' },
          { id: '2', name: 'Giant magnet', status: 'active' },
        ],
        bookings: [
          { projectId: '1', month: '2026-01', person: 'alice', hours: 12 },
          { projectId: '2', month: '2026-01', person: 'bob', hours: 30 },
        ],
        tasks: [
          { owner: 'alice', title: 'Order wheels' },
          { owner: 'bob', title: 'Wind the coil' },
        ],
      },
    ],
    [
      'globex',
      {
        name: 'Globex',
        projects: [
          { id: '1', name: 'Weather machine', status: 'active' },
          { id: '2', name: 'Hammock district', status: 'active' },
        ],
        bookings: [{ projectId: '1', month: '2026-01', person: 'gina', hours: 80 }],
        tasks: [{ owner: 'gina', title: 'Book the island' }],
      },
    ],
  ]);
}
