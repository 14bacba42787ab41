/** What storage has to tell an operator: damage found, what was done about it, and what to do. */
export interface StorageEvent {
  readonly event: string;
  readonly fields: Readonly<Record<string, number | string>>;
}
