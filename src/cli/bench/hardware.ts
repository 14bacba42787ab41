/** What the figures were measured on, and who else was there: without it they mean nothing. */
import { cpus, loadavg, totalmem } from 'node:os';
import { processorTimes, sharesBetween, type ProcessorShares } from './processor.js';

export interface Hardware {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Load average over the last minute, before the run. */
  readonly loadAverage: number;
}

/** What goes into each record. */
export interface Circumstances {
  readonly hardware: Hardware;
  /** While it was measured; null where the system does not tell. */
  readonly processor: ProcessorShares | null;
}

function describeHardware(): Hardware {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** From the start of something that is measured on: call the result at its end. */
export function observe(): () => Circumstances {
  const hardware = describeHardware();
  const before = processorTimes();
  return () => {
    const after = processorTimes();
    return {
      hardware,
      processor: before === null || after === null ? null : sharesBetween(before, after),
    };
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

export function describeCircumstances({ hardware, processor }: Circumstances): string {
  const { cpu, cores, memoryGiB, node, loadAverage } = hardware;
  const machine = `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, load average ${loadAverage} before the start`;
  if (processor === null) return machine;
  const { ours, others, stolen } = processor;
  return `${machine}\nof the processor: ours ${percent(ours)}, others' ${percent(others)}, stolen ${percent(stolen)}`;
}
