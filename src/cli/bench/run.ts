/** The scenarios of scenarios.ts, each on clusters of its own. */
import { exitStatus } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import type { Output } from '../output.js';
import { describeCircumstances, observe } from './hardware.js';
import { checkSharing, describeConditions, type BenchOptions } from './options.js';
import { createReport, ratioOf, tableHeader, tableRows, type BenchReport } from './report.js';
import { basicScenarios, scenarios, type Scenario, type ScenarioName } from './scenarios.js';
import { Turns } from './turns.js';

/** About as much as the figures of other systems are for. */
export const defaultPayloadBytes = 64;

async function measure(
  name: ScenarioName,
  options: BenchOptions,
  output: Output,
): Promise<readonly BenchReport[]> {
  const { replicas, durability, requestAuth, concurrency, identities, ratePerSecond } = options;
  const scenario: Scenario = scenarios[name];
  const points = scenario.points({
    ...{ replicas, durability, requestAuth, concurrency, identities },
    payloadBytes: defaultPayloadBytes,
  });
  for (const point of points) checkSharing(point);
  output.note(`${name} (${scenario.description})`);
  const finish = observe();
  const results = await new Turns(scenario, points, { ...options, note: (text) => output.note(text) }).run();
  const circumstances = finish();
  return points.map((point, index) => {
    const rounds = results[index]!;
    const base = points.findIndex((other) => other.name === point.ratioTo);
    const ratio = base < 0 ? null : ratioOf(rounds, point.ratioTo!, results[base]!);
    const conditions = {
      ...{ replicas: point.replicas, durability: point.durability, concurrency: point.concurrency },
      ...{ identities: point.identities, payloadBytes: point.payloadBytes, ratePerSecond },
      requestAuth: point.requestAuth,
    };
    return createReport({ scenario: name, point: point.name, conditions }, rounds, ratio, circumstances);
  });
}

export async function runBench(options: BenchOptions, output: Output): Promise<ExitStatus> {
  checkSharing(options);
  const reports: BenchReport[] = [];
  for (const name of options.scenario === null ? basicScenarios : [options.scenario]) {
    const measured = await measure(name, options, output);
    reports.push(...measured);
    for (const report of measured) output.record(report);
  }
  const [first, last] = [reports[0]!, reports.at(-1)!];
  const isVarying = first.point !== first.scenario;
  output.say(describeConditions(options, first) + (isVarying ? ', unless its name says otherwise' : ''));
  if (last.scenario !== first.scenario) output.say(`at the end: ${describeCircumstances(last)}`);
  output.say(output.table(tableHeader, reports.flatMap(tableRows)));
  return exitStatus.ok;
}
