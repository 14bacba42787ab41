/**
 * Who else used the processor while something was measured. On shared or virtual processors this explains more of a figure
 * than anything else: `stolen` is what the machine below gave to others, `others` what processes that are not ours took.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Shares of all processors' time. */
export interface ProcessorShares {
  readonly ours: number;
  readonly others: number;
  readonly stolen: number;
}

/** In ticks of the system's clock, since some moment. */
export interface ProcessorTimes {
  readonly total: number;
  readonly busy: number;
  readonly stolen: number;
  /** Of this process, of those it started, and so on; those that have ended included. */
  readonly ours: number;
}

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseSystemTimes(stat: string): Omit<ProcessorTimes, 'ours'> {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = stat
    .split('\n', 1)[0]!
    .split(/ +/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { total: busy + idle + iowait + stolen, busy, stolen };
}

/** /proc/<pid>/stat; with the time of its children that have ended. */
export function parseProcessTimes(stat: string): ProcessTimes {
  // After the name, which may hold anything: parent is field 4, the times are 14 to 17.
  const fields = stat.replace(/^.*\) /s, '').split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(stat, 10), parent: Number(fields[1]), ticks };
}

const ticksPerSecond = 100;

/** Seconds that a process has computed for, those of its ended children included; null where the system does not tell. */
export function processorSeconds(pid: number): number | null {
  try {
    return parseProcessTimes(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks / ticksPerSecond;
  } catch {
    // Another system, or it has just ended.
    return null;
  }
}

/** Of `root` and all below it. */
export function ticksOfTree(processes: readonly ProcessTimes[], root: number): number {
  const ours = new Set([root]);
  let grown = true;
  while (grown) {
    grown = false;
    for (const { pid, parent } of processes)
      if (ours.has(parent) && !ours.has(pid)) {
        ours.add(pid);
        grown = true;
      }
  }
  return processes.reduce((sum, { pid, ticks }) => (ours.has(pid) ? sum + ticks : sum), 0);
}

export function sharesBetween(before: ProcessorTimes, after: ProcessorTimes): ProcessorShares {
  const total = Math.max(1, after.total - before.total);
  // Ticks are coarse: a little more of ours than of all.
  const share = (ticks: number): number => Number(Math.min(1, Math.max(0, ticks / total)).toFixed(3));
  const ours = after.ours - before.ours;
  return {
    ours: share(ours),
    others: share(after.busy - before.busy - ours),
    stolen: share(after.stolen - before.stolen),
  };
}

function processTimes(): ProcessTimes[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [parseProcessTimes(readFileSync(`/proc/${pid}/stat`, 'utf8'))];
      } catch {
        // It has just ended.
        return [];
      }
    });
}

/** Null where the system does not tell. */
export function processorTimes(): ProcessorTimes | null {
  let stat: string;
  try {
    stat = readFileSync('/proc/stat', 'utf8');
  } catch {
    return null;
  }
  return { ...parseSystemTimes(stat), ours: ticksOfTree(processTimes(), process.pid) };
}
