/** What the figures were measured on: without it they mean nothing. */
import { cpus, loadavg, totalmem } from 'node:os';

export interface Hardware {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Load average over the last minute, before the run. */
  readonly loadAverage: number;
}

export function describeHardware(): Hardware {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
