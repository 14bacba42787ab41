/** `theodora policy …`: what can be said of a policy file without a cluster. */
import type { Command } from 'commander';
import type { Bind } from '../command.js';
import { exitStatus } from '../errors.js';

export function registerPolicy(program: Command, bind: Bind): void {
  program
    .command('policy')
    .description('policy files')
    .command('check')
    .argument('<file>', 'TypeScript file whose default export is definePolicy({ … })')
    .description('compile and check a policy; list its rules and its digest')
    .addHelpText('after', '\nExample:\n  $ theodora policy check policy/lock.ts')
    .action(
      bind(async ({ output }, [file = '']) => {
        const { loadPolicyFile } = await import('../policy-testing.js');
        const { digest, rules } = await loadPolicyFile(file);
        output.result({ digest, rules }, () =>
          [`rules   ${rules.join(', ')}`, `digest  ${digest}`, 'Operations without a rule are denied.'].join(
            '\n',
          ),
        );
        return exitStatus.ok;
      }),
    );
}
