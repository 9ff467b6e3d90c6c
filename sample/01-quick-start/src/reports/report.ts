export interface Report {
  readonly project: string;
  readonly month: string;
  readonly hours: number;
  readonly madeAt: string;
}
