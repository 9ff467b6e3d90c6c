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
