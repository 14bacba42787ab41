/** The way to the space in which coordinators of ReD meet. */
import { RefusedError } from '../../base/index.js';
import type { Space } from '../../client/index.js';
import type { Context } from '../config.js';
import type { ExitStatus } from '../errors.js';
import { withSpace } from './entries.js';

/** Its name. */
export const redSpace = ({ namedSpace }: Context): string => namedSpace ?? 'red';

/** One connection for the length of `act`. */
export async function withRedSpace(
  context: Context,
  act: (space: Space) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const name = redSpace(context);
  try {
    return await withSpace({ ...context, space: name }, act);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'NO_SUCH_SPACE') throw error;
    const message = `there is no space ${name}: \`theodora red init\` creates it, with --space if it has another name.`;
    throw new RefusedError('NO_SUCH_SPACE', message, { ...error.fields, space: name }, error);
  }
}
