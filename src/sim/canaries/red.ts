/** Bugs of ReD coordinators, most of them in the text that they come from (red.md's notes); random runs have to meet them. */
import type { Entry, Space } from '../../client/index.js';
import { runRed, type RedOptions } from '../red/run.js';
import type { RedTampering } from '../red/tampering.js';
import { metBy, type Canary } from './canary.js';

const met = (
  bug: Pick<RedOptions, 'tampering' | 'policy'>,
  seedsMax: number,
  first = 1,
): ReturnType<typeof metBy> =>
  metBy((seed, hasBug) => runRed({ faults: [], ...(hasBug ? bug : {}), seed }), seedsMax, first);

type Template = Parameters<Space['renew']>[0];

const isOf = (state: string, template: Template): boolean => template[2] === state;

/** Says FAILED only if there are fewer copiers than when it looked before. */
function countingCopiers(): RedTampering {
  let before = 0;
  let isSmaller = false;
  return {
    drops: (line) => line.startsWith('FAILED') && !isSmaller,
    space: (space) => ({
      rdAll: async (...args) => {
        const entries = await space.rdAll(...args);
        const copiers = entries.filter(({ tuple }) => tuple[2] === 'COPIER').length;
        isSmaller = copiers < before;
        before = copiers;
        return entries;
      },
    }),
  };
}

export const countedCopiers: Canary = {
  name: 'counted-copiers',
  bug: 'a coordinator tells failures of copiers from their number',
  checkers: ['red-liveness'],
  ...met({ tampering: countingCopiers }, 60),
};

/** STOPPED is inserted once and never again, and its renewals are made up. */
function forgettingStopped(): RedTampering {
  let stopped: Entry | null = null;
  return {
    space: (space) => ({
      out: (async (tuple: Template, options: object) => {
        if (!isOf('STOPPED', tuple)) return space.out(tuple as never, options);
        return (stopped ??= await space.out(tuple as never, options));
      }) as Space['out'],
      renew: async (template, lease, options) =>
        isOf('STOPPED', template) ? stopped : space.renew(template, lease, options),
    }),
  };
}

export const unrenewedStopped: Canary = {
  name: 'unrenewed-stopped',
  bug: 'nobody renews STOPPED while it waits',
  checkers: ['red-liveness'],
  ...met({ tampering: forgettingStopped }, 60),
};

/** Takes a WRITER for renewed whenever the service does not answer. */
function believingInWriter(): RedTampering {
  let last: Entry | null = null;
  return {
    space: (space) => ({
      renew: async (template, lease, options) => {
        if (!isOf('WRITER', template)) return space.renew(template, lease, options);
        try {
          last = (await space.renew(template, lease, options)) ?? last;
        } catch (error) {
          if (last === null) throw error;
        }
        return last;
      },
    }),
  };
}

export const believedRenewal: Canary = {
  name: 'believed-renewal',
  bug: 'a coordinator believes a WRITER renewed that has expired',
  checkers: ['red-one-writer', 'red-copiers', 'red-fencing'],
  // Of a hundred seeds three or four meet it.
  ...met({ tampering: believingInWriter }, 60, 61),
};

export const loosePolicy: Canary = {
  name: 'loose-red-policy',
  bug: 'the policy lets a coordinator ask for no other WRITER than its own',
  checkers: ['red-one-writer', 'red-copiers', 'red-fencing'],
  ...met(
    {
      policy: (source) => source.replace('!asksForTheWriter(wanted) || ', ''),
      tampering: () => ({
        space: (space) => ({
          cas: ((template: Template, tuple: Template, options: object) =>
            space.cas(isOf('WRITER', template) ? tuple : template, tuple as never, options)) as Space['cas'],
        }),
      }),
    },
    60,
  ),
};

export const noStepDown: Canary = {
  name: 'no-step-down',
  bug: 'a writer whose lease ends is not stopped',
  checkers: ['red-one-writer', 'red-copiers', 'red-fencing'],
  ...met(
    {
      tampering: () => ({
        drops: (line) => line === 'STEPDOWN' || /^PONG [0-9]+ 0$/.test(line),
        databaseMarginMs: -1_000_000_000,
      }),
    },
    60,
  ),
};

export const forgottenSync: Canary = {
  name: 'forgotten-sync',
  bug: 'whoever is a copier may become the writer, whatever it holds',
  checkers: ['red-nothing-lost'],
  ...met(
    {
      policy: (source) => source.replace(' && isInSync(space, invoker)', ''),
      tampering: () => ({
        space: (space) => ({
          rdp: async (template, options) => (template[0] === 'SYNC' ? null : space.rdp(template, options)),
        }),
      }),
    },
    60,
  ),
};

/** Sees no writer before it is a copier. */
function overlookingWriters(): RedTampering {
  let id: unknown = null;
  return {
    space: (space) => ({
      rdAll: async (...args) => {
        const entries = await space.rdAll(...args);
        const isCopier = entries.some(({ tuple }) => tuple[1] === id && tuple[2] === 'COPIER');
        return entries.filter(({ tuple }) => isCopier || tuple[2] !== 'WRITER');
      },
      out: ((tuple: Template, options: object) => {
        id = tuple[1];
        return space.out(tuple as never, options);
      }) as Space['out'],
    }),
  };
}

export const uninvitedCopier: Canary = {
  name: 'uninvited-copier',
  bug: 'who has started copies at once, though the writer has not heard of it',
  checkers: ['red-copiers'],
  ...met(
    {
      policy: (source) => source.replace('id === invoker && !space.exists(writers)', 'id === invoker'),
      tampering: overlookingWriters,
    },
    60,
  ),
};
